#include "common/journal.h"

#include "common/journal_index.h"

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
    dm_journal_add_text(record, received->private_id, DM_JOURNAL_TEXT_MAX);
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

gboolean dm_journal_get_received(DmJournal *journal, const char *tenant, const char *provider_id, DmReceived *received,
                                 gboolean *found, GError **error)
{
    g_autoptr(GString) record = NULL;

    *received = (DmReceived){0};
    gboolean good = dm_journal_read(journal, DM_JOURNAL_KEY("r", tenant, provider_id), &record, error);
    *found = record != NULL;
    return good && (record == NULL || read_received(record, received, error));
}

gboolean dm_journal_put_received(DmJournal *journal, const char *tenant, const char *provider_id,
                                 const DmReceived *received, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    const DmJournalEntry entry = {(char *)"", (char *)tenant, (char *)provider_id};

    dm_journal_pairs_add(pairs, DM_JOURNAL_KEY("r", tenant, provider_id), received_record(received));
    if (received->state == DM_RECEIVED_FETCHED) {
        dm_journal_index_time(pairs, received->fetched, &entry);
        dm_journal_index_name(pairs, provider_id, &entry);
        dm_journal_index_name(pairs, received->private_id, &entry);
    }
    return dm_journal_write(journal, pairs, error);
}

static GString *injected_key(const char *tenant, const char *provider_id, const char *address)
{
    g_autofree char *folded = g_ascii_strdown(address, -1);

    return DM_JOURNAL_KEY("i", tenant, provider_id, folded);
}

gboolean dm_journal_get_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gboolean *injected, GError **error)
{
    g_autoptr(GString) record = NULL;
    const char *fields[DM_JOURNAL_FIELDS_MAX];

    gboolean good = dm_journal_read(journal, injected_key(tenant, provider_id, address), &record, error);
    *injected = record != NULL;
    return good && (record == NULL || dm_journal_split(record, &injected_layout, fields, error));
}

gboolean dm_journal_put_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gint64 time, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    GString *record = dm_journal_record("1");

    dm_journal_add_number(record, time);
    dm_journal_pairs_add(pairs, injected_key(tenant, provider_id, address), record);
    return dm_journal_write(journal, pairs, error);
}
