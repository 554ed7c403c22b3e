#include "common/journal_upgrade.h"

#include "common/journal_index.h"
#include "common/journal_sent.h"

#include <string.h>

#define PAGE 5000U

gboolean dm_journal_read_format(DmJournal *journal, GError **error)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    g_autoptr(GString) format = dm_store_get(&txn, DM_JOURNAL_KEY("f"));
    if (format != NULL)
        dm_journal_number(format->str, 1, G_MAXINT64, &journal->format, &txn.error);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

/* All records of sent and received begin with version, state and time. One that does not is found as well: who reads it
 * will say what is wrong. */
static gint64 number_of(const GString *record, guint skip)
{
    gint64 number = 0;

    return dm_journal_number(dm_journal_part(record, skip), 0, G_MAXINT64, &number, NULL) ? number : 0;
}

/* `before`: the key before the pair. */
static void add_sent(DmStoreTxn *txn, gint64 format, const DmStorePair *pair, const GString *before)
{
    const char *gateway_id = dm_journal_part(pair->key, 1);
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};

    /* The recipients of one De-Mail stand together. */
    if (format < 1 && strcmp(gateway_id, dm_journal_part(before, 1)) != 0)
        dm_journal_index_time(txn, number_of(pair->record, 2), &entry);
    if (dm_sent_state_is_open((DmSentState)number_of(pair->record, 1)))
        dm_journal_index_open(txn, gateway_id, dm_journal_part(pair->key, 2), TRUE);
}

static void add_received(DmStoreTxn *txn, gint64 format, const DmStorePair *pair, const GString *before)
{
    const DmJournalEntry entry = {(char *)"", (char *)dm_journal_part(pair->key, 1),
                                  (char *)dm_journal_part(pair->key, 2)};

    (void)before;
    if (format < 1)
        dm_journal_index_time(txn, number_of(pair->record, 2), &entry);
    if (number_of(pair->record, 1) == DM_RECEIVED_INJECTED)
        dm_journal_index_unacknowledged(txn, &entry, TRUE);
}

typedef void (*Add)(DmStoreTxn *txn, gint64 format, const DmStorePair *pair, const GString *before);

/* Each page is a batch of its own, so that memory does not grow with the journal. What was written before a crash is
 * written again, under the same keys. */
static gboolean add_all(DmJournal *journal, const char *kind, Add add, GError **error)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY(kind, "");
    g_autoptr(GString) after = DM_JOURNAL_KEY(kind, "");
    guint found = PAGE;

    while (found == PAGE) {
        DmStoreTxn txn;

        dm_store_begin(&txn, journal->store);
        g_autoptr(GArray) pairs = dm_store_scan(&txn, prefix, after, PAGE);
        found = pairs->len;
        for (guint i = 0; i < found; i++)
            add(&txn, journal->format, &g_array_index(pairs, DmStorePair, i),
                i > 0 ? g_array_index(pairs, DmStorePair, i - 1).key : after);
        if (found > 0)
            dm_journal_go_on(pairs, after);
        if (dm_store_end(&txn, error) != DM_STORE_DONE)
            return FALSE;
    }
    return TRUE;
}

static gboolean write_format(DmJournal *journal, GError **error)
{
    g_autofree char *format = g_strdup_printf("%d", DM_JOURNAL_FORMAT);
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    dm_store_put(&txn, DM_JOURNAL_KEY("f"), dm_journal_record(format));
    if (dm_store_end(&txn, error) != DM_STORE_DONE)
        return FALSE;
    journal->format = DM_JOURNAL_FORMAT;
    return TRUE;
}

gboolean dm_journal_upgrade(DmJournal *journal, GError **error)
{
    if (journal->format >= DM_JOURNAL_FORMAT)
        return TRUE;
    return add_all(journal, "s", add_sent, error) && add_all(journal, "r", add_received, error) &&
           write_format(journal, error);
}
