#include "common/journal_received.h"

#include "common/journal_index.h"

#define INJECTED_MAX 100000U /* addresses of one De-Mail */

static const DmJournalLayout received_layout = {2, {5, 10}};
static const DmJournalLayout injected_layout = {1, {2}};

void dm_received_clear(DmReceived *received)
{
    g_clear_pointer(&received->type, g_free);
    g_clear_pointer(&received->private_id, g_free);
    g_clear_pointer(&received->verified, g_free);
    g_clear_pointer(&received->reasons, g_free);
    g_clear_pointer(&received->sender, g_free);
    g_clear_pointer(&received->about, g_free);
}

const char *dm_received_state_word(DmReceivedState state)
{
    switch (state) {
    case DM_RECEIVED_FETCHED:
        return "fetched";
    case DM_RECEIVED_INJECTING:
        return "injecting";
    case DM_RECEIVED_INJECTED:
        return "injected";
    case DM_RECEIVED_ACKNOWLEDGED:
        break;
    }
    return "acknowledged";
}

static GString *received_record(const DmReceived *received)
{
    GString *record = dm_journal_record("2");

    dm_journal_add_number(record, received->state);
    dm_journal_add_number(record, received->time);
    dm_journal_add_text(record, received->type, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, received->private_id, DM_JOURNAL_ID_MAX);
    dm_journal_add_number(record, received->fetched);
    dm_journal_add_text(record, received->verified, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, received->reasons, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, received->sender, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, received->about, DM_JOURNAL_TEXT_MAX);
    return record;
}

static gboolean read_received(const GString *record, DmReceived *received, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    gint64 state = 0;

    if (!dm_journal_split(record, &received_layout, fields, error) ||
        !dm_journal_number(fields[1], DM_RECEIVED_FETCHED, DM_RECEIVED_ACKNOWLEDGED, &state, error) ||
        !dm_journal_number(fields[2], 0, G_MAXINT64, &received->time, error) ||
        (fields[5][0] != '\0' && !dm_journal_number(fields[5], 0, G_MAXINT64, &received->fetched, error)))
        return FALSE;
    received->state = (DmReceivedState)state;
    received->type = g_strdup(fields[3]);
    received->private_id = g_strdup(fields[4]);
    received->verified = g_strdup(fields[6]);
    received->reasons = g_strdup(fields[7]);
    received->sender = g_strdup(fields[8]);
    received->about = g_strdup(fields[9]);
    return TRUE;
}

gboolean dm_journal_read_received(DmStoreTxn *txn, const char *tenant, const char *provider_id, DmReceived *received)
{
    g_autoptr(GString) record = dm_store_get(txn, DM_JOURNAL_KEY("r", tenant, provider_id));

    *received = (DmReceived){0};
    if (record != NULL)
        read_received(record, received, &txn->error);
    return record != NULL;
}

gboolean dm_journal_get_received(DmJournal *journal, const char *tenant, const char *provider_id, DmReceived *received,
                                 gboolean *found, GError **error)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    *found = dm_journal_read_received(&txn, tenant, provider_id, received);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

static void put_received(DmStoreTxn *txn, const DmJournalEntry *entry, const DmReceived *received)
{
    g_autoptr(GString) known = dm_store_get(txn, DM_JOURNAL_KEY("r", entry->tenant, entry->provider_id));

    dm_store_put(txn, DM_JOURNAL_KEY("r", entry->tenant, entry->provider_id), received_record(received));
    if (received->state >= DM_RECEIVED_INJECTED)
        dm_journal_index_unacknowledged(txn, entry, received->state == DM_RECEIVED_INJECTED);
    if (known == NULL)
        dm_journal_index_time(txn, received->fetched != 0 ? received->fetched : received->time, entry);
    if (known != NULL && received->state != DM_RECEIVED_FETCHED)
        return;
    if (known != NULL)
        dm_journal_unindex_name(txn, dm_journal_part(known, 4), entry);
    dm_journal_index_name(txn, entry->provider_id, entry);
    dm_journal_index_name(txn, received->private_id, entry);
}

gboolean dm_journal_put_received(DmJournal *journal, const char *tenant, const char *provider_id,
                                 const DmReceived *received, GError **error)
{
    const DmJournalEntry entry = {(char *)"", (char *)tenant, (char *)provider_id};
    DmStoreTxn txn;
    DmStoreEnd end;

    do {
        dm_store_begin(&txn, journal->store);
        put_received(&txn, &entry, received);
        end = dm_store_end(&txn, error);
    } while (end == DM_STORE_CONFLICT);
    return end == DM_STORE_DONE;
}

static GString *injected_key(const char *tenant, const char *provider_id, const char *address)
{
    g_autofree char *folded = g_ascii_strdown(address, -1);

    return DM_JOURNAL_KEY("i", tenant, provider_id, folded);
}

gboolean dm_journal_get_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gboolean *injected, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    g_autoptr(GString) record = dm_store_get(&txn, injected_key(tenant, provider_id, address));
    *injected = record != NULL;
    if (record != NULL)
        dm_journal_split(record, &injected_layout, fields, &txn.error);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

gboolean dm_journal_put_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gint64 time, GError **error)
{
    GString *record = dm_journal_record("1");
    DmStoreTxn txn;

    dm_journal_add_number(record, time);
    dm_store_begin(&txn, journal->store);
    dm_store_put(&txn, injected_key(tenant, provider_id, address), record);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

static void remove_injected(DmStoreTxn *txn, const char *tenant, const char *provider_id)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("i", tenant, provider_id, "");
    g_autoptr(GArray) pairs = dm_store_scan(txn, prefix, NULL, INJECTED_MAX);

    for (guint i = 0; i < pairs->len; i++) {
        const GString *key = g_array_index(pairs, DmStorePair, i).key;
        dm_store_delete(txn, g_string_new_len(key->str, (gssize)key->len));
    }
}

void dm_journal_remove_received(DmStoreTxn *txn, const DmJournalEntry *entry, const DmReceived *received)
{
    dm_store_delete(txn, DM_JOURNAL_KEY("r", entry->tenant, entry->provider_id));
    remove_injected(txn, entry->tenant, entry->provider_id);
    dm_journal_unindex_name(txn, entry->provider_id, entry);
    dm_journal_unindex_name(txn, received->private_id, entry);
}
