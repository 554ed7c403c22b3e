#include "common/journal_index.h"

#include <string.h>

#define PAGE      500U
#define FOUND_MAX 200000U /* entries of one name; a private id of the client's may repeat */

static const DmJournalLayout layout = {1, {4}};

static GString *entry_record(const DmJournalEntry *entry)
{
    GString *record = dm_journal_record("1");

    dm_journal_add_text(record, entry->gateway_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, entry->tenant, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, entry->provider_id, DM_JOURNAL_TEXT_MAX);
    return record;
}

static gboolean is_sent(const DmJournalEntry *entry)
{
    return entry->gateway_id[0] != '\0';
}

static GString *entry_key(const char *kind, const char *order, const DmJournalEntry *entry)
{
    return is_sent(entry) ? DM_JOURNAL_KEY(kind, order, entry->gateway_id)
                          : DM_JOURNAL_KEY(kind, order, entry->tenant, entry->provider_id);
}

static char *time_word(gint64 time)
{
    return g_strdup_printf("%016" G_GINT64_MODIFIER "x", (guint64)MAX(time, 0));
}

void dm_journal_index_name(GArray *pairs, const char *name, const DmJournalEntry *entry)
{
    if (name == NULL || name[0] == '\0')
        return;
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    dm_journal_pairs_add(pairs, entry_key("n", hash, entry), entry_record(entry));
}

void dm_journal_index_time(GArray *pairs, gint64 time, const DmJournalEntry *entry)
{
    g_autofree char *word = time_word(time);

    dm_journal_pairs_add(pairs, entry_key("t", word, entry), entry_record(entry));
}

/* `entry` points into the pair. */
static gboolean read_entry(const DmJournalPair *pair, DmJournalEntry *entry, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];

    if (!dm_journal_split(pair->record, &layout, fields, error))
        return FALSE;
    *entry = (DmJournalEntry){(char *)fields[1], (char *)fields[2], (char *)fields[3]};
    return TRUE;
}

static void free_entry(gpointer data)
{
    DmJournalEntry *entry = data;

    g_free(entry->gateway_id);
    g_free(entry->tenant);
    g_free(entry->provider_id);
    g_free(entry);
}

static void add_copy(GPtrArray *entries, const DmJournalEntry *entry)
{
    DmJournalEntry *copy = g_new0(DmJournalEntry, 1);

    *copy = (DmJournalEntry){g_strdup(entry->gateway_id), g_strdup(entry->tenant), g_strdup(entry->provider_id)};
    g_ptr_array_add(entries, copy);
}

static gboolean has_sent(DmJournal *journal, const char *gateway_id, gboolean *has, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("s", gateway_id, "");

    if (!dm_journal_scan(journal, prefix, NULL, 1, pairs, error))
        return FALSE;
    *has = pairs->len > 0;
    return TRUE;
}

GPtrArray *dm_journal_find(DmJournal *journal, const char *name, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("n", hash, "");
    gboolean by_gateway_id = FALSE;

    if (name[0] == '\0')
        return g_steal_pointer(&entries);
    if (!has_sent(journal, name, &by_gateway_id, error) ||
        !dm_journal_scan(journal, prefix, NULL, FOUND_MAX, pairs, error))
        return NULL;
    if (by_gateway_id)
        add_copy(entries, &(DmJournalEntry){(char *)name, (char *)"", (char *)""});
    for (guint i = 0; i < pairs->len; i++) {
        DmJournalEntry entry;
        if (!read_entry(&g_array_index(pairs, DmJournalPair, i), &entry, error))
            return NULL;
        if (!by_gateway_id || strcmp(entry.gateway_id, name) != 0)
            add_copy(entries, &entry);
    }
    return g_steal_pointer(&entries);
}

static gboolean visit(const GArray *pairs, DmJournalVisit each, gpointer data, GError **error)
{
    for (guint i = 0; i < pairs->len; i++) {
        DmJournalEntry entry;
        if (!read_entry(&g_array_index(pairs, DmJournalPair, i), &entry, error) || !each(&entry, data, error))
            return FALSE;
    }
    return TRUE;
}

gboolean dm_journal_list(DmJournal *journal, gint64 since, DmJournalVisit each, gpointer data, GError **error)
{
    g_autofree char *word = time_word(since);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("t", "");
    g_autoptr(GString) after = DM_JOURNAL_KEY("t", word);

    for (;;) {
        g_autoptr(GArray) pairs = dm_journal_pairs_new();

        if (!dm_journal_scan(journal, prefix, after, PAGE, pairs, error) || !visit(pairs, each, data, error))
            return FALSE;
        if (pairs->len < PAGE)
            return TRUE;
        const GString *last = g_array_index(pairs, DmJournalPair, pairs->len - 1).key;
        g_string_truncate(after, 0);
        g_string_append_len(after, last->str, (gssize)last->len);
    }
}
