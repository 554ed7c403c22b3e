/*
 * What was sent and received is found again: by name, by time, with its events, also where an older version wrote it.
 */
#include "common/journal.h"

#include "common/demail.h"
#include "tests/unit/support.h"

#include <lmdb.h>
#include <string.h>

#define ERIKA "erika@muster.de-mail.de"
#define OTTO  "otto@normal.de-mail.de"
#define GID   "00112233445566778899aabbccddeeff"
#define GID2  "10112233445566778899aabbccddeeff"

static gboolean put_sent(DmJournal *journal, const char *gateway_id, const char *private_id, gint64 time)
{
    char *recipients[] = {(char *)"Erika@muster.de-mail.de", (char *)OTTO};
    const DmSent sent[] = {
        {DM_SENT_SUBMITTING, time, (char *)"gemeinde", (char *)"4Q", NULL, NULL, NULL},
        {DM_SENT_SUBMITTING, time, (char *)"gemeinde", (char *)"4Q", NULL, NULL, NULL},
    };
    const DmSentMessage message = {(char *)gateway_id,
                                   time,
                                   (char *)"gemeinde",
                                   (char *)"4Q",
                                   (char *)"max@gemeinde.example",
                                   (char *)"max@gemeinde.de-mail.de",
                                   (char *)"<1@gemeinde.example>",
                                   (char *)private_id,
                                   DM_OPTION_RECEIPT | DM_OPTION_PRIVATE,
                                   (char *)"Amt 32"};

    return dm_journal_put_sent(journal, gateway_id, &message, recipients, sent, 2, NULL);
}

static gboolean put_received(DmJournal *journal, const char *id, gint64 time)
{
    const DmReceived received = {.state = DM_RECEIVED_FETCHED,
                                 .time = time,
                                 .fetched = time,
                                 .type = (char *)"normal",
                                 .private_id = (char *)"AZ 7"};

    return dm_journal_put_received(journal, "gemeinde", id, &received, NULL);
}

/* The ids of what is listed, each followed by a blank. */
static gboolean note(const DmJournalEntry *entry, gpointer data, GError **error)
{
    (void)error;
    g_string_append_printf(data, "%s ", entry->gateway_id[0] != '\0' ? entry->gateway_id : entry->provider_id);
    return TRUE;
}

static void assert_listed(DmJournal *journal, gint64 since, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_true(dm_journal_list(journal, since, note, text, NULL));
    assert_string_equal(text->str, expected);
}

static void assert_found(DmJournal *journal, const char *name, const char *expected)
{
    g_autoptr(GPtrArray) entries = dm_journal_find(journal, name, NULL);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < entries->len; i++)
        note(g_ptr_array_index(entries, i), text, NULL);
    assert_string_equal(text->str, expected);
}

static void test_message(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    g_autoptr(DmSentMessage) message = NULL;
    g_autoptr(DmSentMessage) nothing = NULL;

    assert_true(put_sent(journal, GID, "AZ 1", 5));
    assert_true(put_sent(journal, GID, "AZ 2", 9));
    assert_true(dm_journal_get_message(journal, GID2, &nothing, NULL));
    assert_null(nothing);
    assert_true(dm_journal_get_message(journal, GID, &message, NULL));
    assert_int_equal(message->time, 5);
    assert_string_equal(message->email, "max@gemeinde.example");
    assert_string_equal(message->private_id, "AZ 1");
    assert_int_equal(message->options, DM_OPTION_RECEIPT | DM_OPTION_PRIVATE);
    assert_string_equal(message->unit, "Amt 32");
    assert_listed(journal, 0, GID " ");
}

static void test_found_by_every_name(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    const DmSent accepted = {DM_SENT_ACCEPTED, 6, (char *)"gemeinde", (char *)"4Q", (char *)"p-1", NULL, NULL};

    assert_true(put_sent(journal, GID, "AZ 7", 5));
    assert_true(put_sent(journal, GID2, GID2, 6));
    assert_true(dm_journal_put_sent(journal, GID, NULL, (char *[]){(char *)ERIKA}, &accepted, 1, NULL));
    assert_true(put_received(journal, "m-1", 7));
    assert_found(journal, GID, GID " ");
    assert_found(journal, GID2, GID2 " ");
    assert_found(journal, "4Q", GID " " GID2 " ");
    assert_found(journal, "AZ 7", GID " m-1 ");
    assert_found(journal, "<1@gemeinde.example>", GID " " GID2 " ");
    assert_found(journal, "p-1", GID " ");
    assert_found(journal, "m-1", "m-1 ");
    assert_found(journal, "AZ", "");
    assert_found(journal, "", "");
}

static void test_listed_by_time(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);

    assert_true(put_received(journal, "m-1", 200));
    assert_true(put_sent(journal, GID2, GID2, 100));
    assert_true(put_sent(journal, GID, GID, 300));
    assert_listed(journal, 0, GID2 " m-1 " GID " ");
    assert_listed(journal, 200, "m-1 " GID " ");
    assert_listed(journal, 301, "");
}

/* More than a page of the list, some at the same time. */
static void test_long_list(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (guint i = 0; i < 1203; i++) {
        g_autofree char *id = g_strdup_printf("m-%05u", i);

        assert_true(put_received(journal, id, 1000 + i / 7));
        g_string_append_printf(expected, "%s ", id);
    }
    assert_listed(journal, 0, expected->str);
}

static void test_events(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    char *both[] = {(char *)ERIKA, (char *)OTTO, NULL};
    char *erika[] = {(char *)"ERIKA@muster.de-mail.de", NULL};
    const DmSentEvent dispatched = {DM_EVENT_DISPATCHED, 7, (char *)"c-1", (char *)""};
    const DmSentEvent received = {DM_EVENT_RECEIVED, 8, (char *)"c-2", (char *)""};
    const DmSentEvent again = {DM_EVENT_RECEIVED, 99, (char *)"c-3", (char *)""};

    assert_true(put_sent(journal, GID, GID, 5));
    assert_true(dm_journal_put_event(journal, GID, erika, &received, NULL));
    assert_true(dm_journal_put_event(journal, GID, both, &dispatched, NULL));
    assert_true(dm_journal_put_event(journal, GID, erika, &again, NULL));

    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(journal, GID, NULL);
    assert_int_equal(recipients->len, 2);
    const DmSentRecipient *first = g_ptr_array_index(recipients, 0);
    const DmSentRecipient *second = g_ptr_array_index(recipients, 1);
    assert_string_equal(first->address, ERIKA);
    assert_string_equal(dm_sent_recipient_state(first), "received");
    assert_int_equal(first->events->len, 2);
    const DmSentEvent *kept = g_ptr_array_index(first->events, 1);
    assert_int_equal(kept->time, 8);
    assert_string_equal(kept->provider_id, "c-2");
    assert_string_equal(second->address, OTTO);
    assert_string_equal(dm_sent_recipient_state(second), "dispatched");
}

/* A notification, which need not be signed, takes nothing from a signed receipt. */
static void test_receipt_outweighs_notification(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    char *erika[] = {(char *)ERIKA, NULL};
    const DmSentEvent undeliverable = {DM_EVENT_UNDELIVERABLE, 7, (char *)"n-1", (char *)"unknown-recipient"};
    const DmSentEvent received = {DM_EVENT_RECEIVED, 6, (char *)"c-2", (char *)""};

    assert_true(put_sent(journal, GID, GID, 5));
    assert_true(dm_journal_put_event(journal, GID, erika, &undeliverable, NULL));
    g_autoptr(GPtrArray) before = dm_journal_get_recipients(journal, GID, NULL);
    assert_string_equal(dm_sent_recipient_state(g_ptr_array_index(before, 0)), "undeliverable");
    assert_true(dm_journal_put_event(journal, GID, erika, &received, NULL));
    g_autoptr(GPtrArray) after = dm_journal_get_recipients(journal, GID, NULL);
    assert_string_equal(dm_sent_recipient_state(g_ptr_array_index(after, 0)), "received");
}

static void put_raw(MDB_txn *txn, MDB_dbi dbi, const char *key, gsize key_length, const char *record, gsize length)
{
    MDB_val k = {key_length, (void *)key};
    MDB_val v = {length, (void *)record};

    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
}
#define PUT_RAW(key, record) put_raw(txn, dbi, key, sizeof key - 1, record, sizeof record - 1)

static void begin_older(const char *folder, MDB_env **env, MDB_txn **txn, MDB_dbi *dbi)
{
    g_autofree char *path = g_build_filename(folder, "journal.lmdb", NULL);

    assert_int_equal(mdb_env_create(env), 0);
    assert_int_equal(mdb_env_set_mapsize(*env, (gsize)64 * 1024 * 1024), 0);
    assert_int_equal(mdb_env_open(*env, path, MDB_NOSUBDIR, 0640), 0);
    assert_int_equal(mdb_txn_begin(*env, NULL, 0, txn), 0);
    assert_int_equal(mdb_dbi_open(*txn, NULL, 0, dbi), 0);
}

/* A journal as the first version wrote it. */
static void test_older_journal(void **state)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    DmReceived received;
    g_autoptr(DmSentMessage) message = NULL;
    gboolean found = FALSE;

    begin_older(*state, &env, &txn, &dbi);
    PUT_RAW("s\0" GID "\0" ERIKA, "1\0002\0005\0gemeinde\0004Q\0p-1\0\0");
    PUT_RAW("s\0" GID "\0" OTTO, "1\0003\0006\0gemeinde\0004Q\0\0unknown-recipient\0nobody");
    PUT_RAW("m\0" GID, "1\0005\0gemeinde\0004Q\0max@gemeinde.example\0max@gemeinde.de-mail.de\0<1@a>\0AZ 1\0008");
    PUT_RAW("r\0gemeinde\0m-1", "1\0004\0003\0normal\0AZ 1");
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    assert_non_null(journal);
    assert_listed(journal, 0, "m-1 " GID " ");
    assert_found(journal, GID, GID " ");
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(journal, GID, NULL);
    assert_int_equal(recipients->len, 2);
    assert_string_equal(((const DmSentRecipient *)g_ptr_array_index(recipients, 0))->address, ERIKA);
    assert_string_equal(dm_sent_recipient_state(g_ptr_array_index(recipients, 1)), "refused");
    assert_true(dm_journal_get_message(journal, GID, &message, NULL));
    assert_int_equal(message->options, DM_OPTION_RECEIPT);
    assert_string_equal(message->unit, "");
    assert_true(dm_journal_get_received(journal, "gemeinde", "m-1", &received, &found, NULL));
    assert_true(found);
    assert_string_equal(received.private_id, "AZ 1");
    assert_string_equal(received.verified, "");
    dm_received_clear(&received);
}

static gboolean count(const DmJournalEntry *entry, gpointer data, GError **error)
{
    (void)entry;
    (void)error;
    (*(guint *)data)++;
    return TRUE;
}

/* More than is read at a time, and a De-Mail whose recipients are read in two parts. */
static void test_large_older_journal(void **state)
{
    static const char record[] = "1\0002\0005\0gemeinde\0004Q\0p-1\0\0";
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    guint listed = 0;

    begin_older(*state, &env, &txn, &dbi);
    for (guint i = 0; i < 3U * 20001; i++) {
        g_autoptr(GString) key = g_string_new("s");
        g_string_append_printf(key, "%c%032x%c%u@muster.de-mail.de", '\0', i / 3, '\0', i % 3);
        put_raw(txn, dbi, key->str, key->len, record, sizeof record - 1);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    assert_non_null(journal);
    assert_true(dm_journal_list(journal, 0, count, &listed, NULL));
    assert_int_equal(listed, 20001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_message, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_found_by_every_name, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_listed_by_time, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_long_list, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_events, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_outweighs_notification, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_older_journal, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_large_older_journal, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
