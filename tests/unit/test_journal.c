#include "common/journal.h"
#include "tests/unit/support.h"

#include <glib/gstdio.h>
#include <lmdb.h>
#include <string.h>

static void test_sent(void **state)
{
    const char *folder = *state;
    char *recipients[] = {(char *)"Erika@x.de-mail.de", (char *)"max@x.de-mail.de"};
    DmSent sent[] = {
        {DM_SENT_SUBMITTING, 5, (char *)"gemeinde", (char *)"4Q", NULL, NULL, NULL},
        {DM_SENT_REFUSED, 6, (char *)"gemeinde", (char *)"4Q", (char *)"", (char *)"unknown-recipient",
         (char *)"nobody"},
    };
    DmSent got;
    gboolean found = TRUE;

    {
        g_autoptr(DmJournal) journal = dm_journal_open(folder, DM_JOURNAL_OWN, NULL);
        assert_non_null(journal);
        assert_true(dm_journal_get_sent(journal, "id", "erika@x.de-mail.de", &got, &found, NULL));
        assert_false(found);
        assert_true(dm_journal_put_sent(journal, "id", NULL, recipients, sent, 2, NULL));
    }
    g_autoptr(DmJournal) again = dm_journal_open(folder, DM_JOURNAL_READ, NULL);
    assert_true(dm_journal_get_sent(again, "id", "erika@x.de-mail.de", &got, &found, NULL));
    assert_true(found);
    assert_int_equal(got.state, DM_SENT_SUBMITTING);
    assert_int_equal(got.time, 5);
    assert_string_equal(got.provider_id, "");
    dm_sent_clear(&got);
    assert_true(dm_journal_get_sent(again, "id", "MAX@x.de-mail.de", &got, &found, NULL));
    assert_true(found);
    assert_int_equal(got.state, DM_SENT_REFUSED);
    assert_string_equal(got.code, "unknown-recipient");
    assert_string_equal(got.detail, "nobody");
    dm_sent_clear(&got);
    assert_true(dm_journal_get_sent(again, "other", "max@x.de-mail.de", &got, &found, NULL));
    assert_false(found);
}

static void test_received(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    const DmReceived received = {.state = DM_RECEIVED_INJECTING,
                                 .time = 7,
                                 .type = (char *)"normal",
                                 .private_id = (char *)"AZ 1",
                                 .fetched = 6,
                                 .verified = (char *)"fail",
                                 .reasons = (char *)"integrity.body-hash"};
    DmReceived got;
    gboolean found = FALSE;

    assert_true(dm_journal_put_received(journal, "gemeinde", "Id", &received, NULL));
    assert_true(dm_journal_get_received(journal, "gemeinde", "Id", &got, &found, NULL));
    assert_true(found);
    assert_int_equal(got.state, DM_RECEIVED_INJECTING);
    assert_string_equal(got.private_id, "AZ 1");
    assert_int_equal(got.fetched, 6);
    assert_string_equal(got.verified, "fail");
    assert_string_equal(got.reasons, "integrity.body-hash");
    assert_string_equal(got.about, "");
    dm_received_clear(&got);
    assert_true(dm_journal_get_received(journal, "gemeinde", "id", &got, &found, NULL));
    assert_false(found);
    assert_true(dm_journal_get_received(journal, "kreis", "Id", &got, &found, NULL));
    assert_false(found);
}

static void test_injected(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    gboolean injected = TRUE;

    assert_true(dm_journal_get_injected(journal, "gemeinde", "Id", "max@gemeinde.example", &injected, NULL));
    assert_false(injected);
    assert_true(dm_journal_put_injected(journal, "gemeinde", "Id", "Max@gemeinde.example", 7, NULL));
    assert_true(dm_journal_get_injected(journal, "gemeinde", "Id", "max@gemeinde.example", &injected, NULL));
    assert_true(injected);

    const char *const others[][3] = {{"kreis", "Id", "max@gemeinde.example"},
                                     {"gemeinde", "id", "max@gemeinde.example"},
                                     {"gemeinde", "Id", "erika@gemeinde.example"}};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        injected = TRUE;
        assert_true(dm_journal_get_injected(journal, others[i][0], others[i][1], others[i][2], &injected, NULL));
        assert_false(injected);
    }
}

/* Keys beyond LMDB's limit, and texts beyond ours. */
static void test_long(void **state)
{
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    g_autofree char *name = g_strnfill(600, 'x');
    g_autofree char *detail = g_strnfill(5000, 'y');
    char *recipients[] = {name};
    DmSent sent = {DM_SENT_REFUSED, 1, NULL, NULL, NULL, NULL, detail};
    DmSent got;
    gboolean found = FALSE;

    assert_true(dm_journal_put_sent(journal, "id", NULL, recipients, &sent, 1, NULL));
    assert_true(dm_journal_get_sent(journal, "id", name, &got, &found, NULL));
    assert_true(found);
    assert_int_equal(strlen(got.detail), 1024);
    dm_sent_clear(&got);
}

static void test_second_writer(void **state)
{
    g_autoptr(DmJournal) first = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmJournal) second = dm_journal_open(*state, DM_JOURNAL_OWN, &error);

    assert_non_null(first);
    assert_null(second);
    assert_int_equal(error->code, DM_ERROR_UNAVAILABLE);
}

static void test_missing_folder(void **state)
{
    g_autofree char *path = g_build_filename(*state, "nowhere", NULL);
    g_autoptr(GError) error = NULL;

    assert_null(dm_journal_open(path, DM_JOURNAL_OWN, &error));
    assert_int_equal(error->code, DM_ERROR_NOINPUT);
    assert_non_null(strstr(error->message, path));
}

/* A record of a version that we do not know is no record of ours: a tempfail, never "not sent". */
static void test_newer_record(void **state)
{
    g_autofree char *path = g_build_filename(*state, "journal.lmdb", NULL);
    const char key[] = "s\0id\0a@x";
    const char record[] = "3\0accepted";
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    MDB_val k = {sizeof key - 1, (void *)key};
    MDB_val v = {sizeof record - 1, (void *)record};
    g_autoptr(GError) error = NULL;
    DmSent got;
    gboolean found = FALSE;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0640), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    assert_false(dm_journal_get_sent(journal, "id", "a@x", &got, &found, &error));
    assert_int_equal(error->code, DM_ERROR_TEMPORARY);
    dm_sent_clear(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sent, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_received, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_injected, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_long, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_second_writer, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_missing_folder, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_newer_record, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
