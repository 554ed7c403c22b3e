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

char *dm_journal_time_word(gint64 time)
{
    return g_strdup_printf("%016" G_GINT64_MODIFIER "x", (guint64)MAX(time, 0));
}

static GString *name_key(const char *name, const DmJournalEntry *entry)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

    return entry_key("n", hash, entry);
}

void dm_journal_index_name(DmStoreTxn *txn, const char *name, const DmJournalEntry *entry)
{
    if (name != NULL && name[0] != '\0')
        dm_store_put(txn, name_key(name, entry), entry_record(entry));
}

void dm_journal_unindex_name(DmStoreTxn *txn, const char *name, const DmJournalEntry *entry)
{
    if (name != NULL && name[0] != '\0')
        dm_store_delete(txn, name_key(name, entry));
}

void dm_journal_index_time(DmStoreTxn *txn, gint64 time, const DmJournalEntry *entry)
{
    g_autofree char *word = dm_journal_time_word(time);

    dm_store_put(txn, entry_key("t", word, entry), entry_record(entry));
}

void dm_journal_index_unacknowledged(DmStoreTxn *txn, const DmJournalEntry *entry, gboolean injected)
{
    if (injected)
        dm_store_put(txn, DM_JOURNAL_KEY("u", entry->tenant, entry->provider_id), entry_record(entry));
    else
        dm_store_delete(txn, DM_JOURNAL_KEY("u", entry->tenant, entry->provider_id));
}

void dm_journal_index_open(DmStoreTxn *txn, const char *gateway_id, const char *recipient, gboolean open)
{
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};
    g_autofree char *folded = g_ascii_strdown(recipient, -1);

    if (open)
        dm_store_put(txn, DM_JOURNAL_KEY("o", gateway_id, folded), entry_record(&entry));
    else
        dm_store_delete(txn, DM_JOURNAL_KEY("o", gateway_id, folded));
}

gboolean dm_journal_read_entry(const DmStorePair *pair, DmJournalEntry *entry, GError **error)
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

static void add_found(DmStoreTxn *txn, const char *name, GPtrArray *entries)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("n", hash, "");
    g_autoptr(GString) recipients = DM_JOURNAL_KEY("s", name, "");
    g_autoptr(GArray) first = dm_store_scan(txn, recipients, NULL, 1);
    g_autoptr(GArray) pairs = dm_store_scan(txn, prefix, NULL, FOUND_MAX);
    gboolean by_gateway_id = first->len > 0;

    if (by_gateway_id)
        add_copy(entries, &(DmJournalEntry){(char *)name, (char *)"", (char *)""});
    for (guint i = 0; i < pairs->len; i++) {
        DmJournalEntry entry;
        if (!dm_journal_read_entry(&g_array_index(pairs, DmStorePair, i), &entry, &txn->error))
            return;
        if (!by_gateway_id || strcmp(entry.gateway_id, name) != 0)
            add_copy(entries, &entry);
    }
}

GPtrArray *dm_journal_find(DmJournal *journal, const char *name, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    if (name[0] != '\0')
        add_found(&txn, name, entries);
    return dm_store_end(&txn, error) == DM_STORE_DONE ? g_steal_pointer(&entries) : NULL;
}

typedef struct {
    DmJournalVisit each;
    gpointer data;
    gboolean once; /* of entries that follow one another only the first that has the gateway id */
    char *last;    /* gateway id */
} Visit;

static gboolean visit(Visit *v, const GArray *pairs, GError **error)
{
    for (guint i = 0; i < pairs->len; i++) {
        DmJournalEntry entry;
        if (!dm_journal_read_entry(&g_array_index(pairs, DmStorePair, i), &entry, error))
            return FALSE;
        if (v->once && g_strcmp0(v->last, entry.gateway_id) == 0)
            continue;
        g_free(v->last);
        v->last = g_strdup(entry.gateway_id);
        if (!v->each(&entry, v->data, error))
            return FALSE;
    }
    return TRUE;
}

/* Each page is a batch of its own, so that memory does not grow with the journal and `each` may use the journal. */
static gboolean visit_all(DmJournal *journal, Visit *v, const GString *prefix, GString *after, GError **error)
{
    for (;;) {
        DmStoreTxn txn;

        dm_store_begin(&txn, journal->store);
        g_autoptr(GArray) pairs = dm_store_scan(&txn, prefix, after, PAGE);
        if (dm_store_end(&txn, error) != DM_STORE_DONE || !visit(v, pairs, error))
            return FALSE;
        if (pairs->len < PAGE)
            return TRUE;
        dm_journal_go_on(pairs, after);
    }
}

gboolean dm_journal_list(DmJournal *journal, gint64 since, DmJournalVisit each, gpointer data, GError **error)
{
    g_autofree char *word = dm_journal_time_word(since);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("t", "");
    g_autoptr(GString) after = DM_JOURNAL_KEY("t", word);
    Visit v = {each, data, FALSE, NULL};
    gboolean good = visit_all(journal, &v, prefix, after, error);

    g_free(v.last);
    return good;
}

/* An older journal lacks what finds by state. */
static gboolean has_indices(const DmJournal *journal, GError **error)
{
    if (journal->format >= DM_JOURNAL_FORMAT)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                "the journal has the older format %" G_GINT64_FORMAT
                ", which does not tell what is open; start the poller of this version, which brings it up to date",
                journal->format);
    return FALSE;
}

gboolean dm_journal_list_open(DmJournal *journal, DmJournalVisit each, gpointer data, GError **error)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("o", "");
    g_autoptr(GString) after = DM_JOURNAL_KEY("o", "");
    Visit v = {each, data, TRUE, NULL};

    if (!has_indices(journal, error))
        return FALSE;
    gboolean good = visit_all(journal, &v, prefix, after, error);
    g_free(v.last);
    return good;
}

gboolean dm_journal_list_unacknowledged(DmJournal *journal, const char *tenant, DmJournalVisit each, gpointer data,
                                        GError **error)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("u", tenant, "");
    g_autoptr(GString) after = DM_JOURNAL_KEY("u", tenant, "");
    Visit v = {each, data, FALSE, NULL};

    gboolean good = has_indices(journal, error) && visit_all(journal, &v, prefix, after, error);
    g_free(v.last);
    return good;
}
