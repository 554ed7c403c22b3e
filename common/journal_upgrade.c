#include "common/journal_upgrade.h"

#include "common/journal_index.h"

#include <string.h>

#define PAGE 50000U

/* All records of sent and received begin with version, state and time. One that does not is found as well: who reads it
 * will say what is wrong. */
static gint64 time_of(const GString *record)
{
    gint64 time = 0;

    if (!dm_journal_number(dm_journal_part(record, 2), 0, G_MAXINT64, &time, NULL))
        time = 0;
    return time;
}

/* `before`: the key before those that were found. */
static void add_page(const GArray *found, const GString *before, gboolean sent, GArray *out)
{
    for (guint i = 0; i < found->len; i++) {
        const DmJournalPair *pair = &g_array_index(found, DmJournalPair, i);
        const char *first = dm_journal_part(pair->key, 1);
        const GString *previous = i > 0 ? g_array_index(found, DmJournalPair, i - 1).key : before;
        /* The recipients of one De-Mail stand together. */
        gboolean again = sent && strcmp(first, dm_journal_part(previous, 1)) == 0;
        const DmJournalEntry entry = {(char *)(sent ? first : ""), (char *)(sent ? "" : first),
                                      (char *)(sent ? "" : dm_journal_part(pair->key, 2))};

        if (!again)
            dm_journal_index_time(out, time_of(pair->record), &entry);
    }
}

/* Each page is a transaction of its own, so that memory does not grow with the journal. What was written before a crash
 * is written again, under the same keys. */
static gboolean add_all(DmJournal *journal, gboolean sent, GError **error)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY(sent ? "s" : "r", "");
    g_autoptr(GString) after = g_string_new_len(prefix->str, (gssize)prefix->len);
    guint found = PAGE;

    while (found == PAGE) {
        g_autoptr(GArray) pairs = dm_journal_pairs_new();
        g_autoptr(GArray) out = dm_journal_pairs_new();

        if (!dm_journal_scan(journal, prefix, after, PAGE, pairs, error))
            return FALSE;
        add_page(pairs, after, sent, out);
        if (out->len > 0 && !dm_journal_write(journal, out, error))
            return FALSE;
        found = pairs->len;
        if (found == 0)
            break;
        const GString *last = g_array_index(pairs, DmJournalPair, found - 1).key;
        g_string_truncate(after, 0);
        g_string_append_len(after, last->str, (gssize)last->len);
    }
    return TRUE;
}

gboolean dm_journal_upgrade(DmJournal *journal, GError **error)
{
    g_autoptr(GString) done = NULL;
    g_autoptr(GArray) pairs = dm_journal_pairs_new();

    if (!dm_journal_read(journal, DM_JOURNAL_KEY("f"), &done, error))
        return FALSE;
    if (done != NULL)
        return TRUE;
    if (!add_all(journal, TRUE, error) || !add_all(journal, FALSE, error))
        return FALSE;
    dm_journal_pairs_add(pairs, DM_JOURNAL_KEY("f"), dm_journal_record("1"));
    return dm_journal_write(journal, pairs, error);
}
