/*
 * What is open, what an administrator decides, what stays and what expires, what an older or newer program left.
 */
#include "common/demail.h"
#include "common/journal.h"
#include "tests/unit/journal_check.h"
#include "tests/unit/support.h"

#include <string.h>
#include <sys/stat.h>

#define ERIKA "erika@muster.de-mail.de"
#define KARL  "karl@muster.de-mail.de"
#define OTTO  "otto@normal.de-mail.de"
#define GID   "00112233445566778899aabbccddeeff"
#define GID2  "10112233445566778899aabbccddeeff"
#define LATER 1000 /* expiry: what was last changed before */

static DmJournal *own(const char *folder)
{
    DmJournal *journal = dm_journal_open(folder, DM_JOURNAL_OWN, NULL);

    assert_non_null(journal);
    return journal;
}

static void put_states(DmJournal *journal, const char *gateway_id, gint64 time, guint options, DmSentState first,
                       DmSentState second)
{
    char *recipients[] = {(char *)"Erika@muster.de-mail.de", (char *)OTTO};
    char *id = (char *)(first == DM_SENT_ACCEPTED ? "p-1" : "");
    const DmSent sent[] = {{first, time, (char *)"gemeinde", (char *)"4Q", id, (char *)"c", (char *)"d"},
                           {second, time, (char *)"gemeinde", (char *)"4Q", NULL, NULL, NULL}};
    const DmSentMessage message = {(char *)gateway_id,
                                   time,
                                   (char *)"gemeinde",
                                   (char *)"4Q",
                                   (char *)"max@gemeinde.example",
                                   (char *)"max@gemeinde.de-mail.de",
                                   (char *)"<1@gemeinde.example>",
                                   (char *)"AZ 1",
                                   options,
                                   NULL};

    assert_true(dm_journal_put_sent(journal, gateway_id, &message, recipients, sent, 2, NULL));
}

static void put_event(DmJournal *journal, const char *gateway_id, DmSentEventKind kind, gint64 time)
{
    const DmSentEvent event = {kind, time, (char *)"c-1", (char *)""};

    assert_true(dm_journal_put_event(journal, gateway_id, (char *[]){(char *)ERIKA, (char *)OTTO, NULL}, &event, NULL));
}

static void put_received(DmJournal *journal, const char *id, DmReceivedState state, gint64 time)
{
    const DmReceived received = {
        .state = state, .time = time, .fetched = time, .type = (char *)"normal", .private_id = (char *)"AZ 7"};

    assert_true(dm_journal_put_received(journal, "gemeinde", id, &received, NULL));
}

static gboolean note(const DmJournalEntry *entry, gpointer data, GError **error)
{
    (void)error;
    g_string_append_printf(data, "%s ", entry->gateway_id[0] != '\0' ? entry->gateway_id : entry->provider_id);
    return TRUE;
}

static void assert_open(DmJournal *journal, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_true(dm_journal_list_open(journal, note, text, NULL));
    assert_string_equal(text->str, expected);
}

static void assert_consistent(DmJournal *journal)
{
    g_autofree char *problem = jc_problem(journal);

    if (problem != NULL)
        fail_msg("%s", problem);
}

static void assert_sent(DmJournal *journal, const char *gateway_id, const char *recipient, DmSentState state,
                        const char *code)
{
    DmSent sent;
    gboolean found = FALSE;

    assert_true(dm_journal_get_sent(journal, gateway_id, recipient, &sent, &found, NULL));
    assert_true(found);
    assert_int_equal(sent.state, state);
    assert_string_equal(sent.code, code);
    dm_sent_clear(&sent);
}

static void assert_expired(DmJournal *journal, guint expected)
{
    guint expired = 99;

    assert_true(dm_journal_expire(journal, LATER, NULL, NULL, &expired, NULL));
    assert_int_equal(expired, expected);
    assert_consistent(journal);
}

static void test_open(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);

    assert_open(journal, "");
    put_states(journal, GID, 5, 0, DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    put_states(journal, GID2, 5, 0, DM_SENT_SUBMITTING, DM_SENT_REFUSED);
    assert_open(journal, GID " " GID2 " ");
    put_states(journal, GID, 6, 0, DM_SENT_ACCEPTED, DM_SENT_UNKNOWN);
    put_states(journal, GID2, 6, 0, DM_SENT_DEFERRED, DM_SENT_REFUSED);
    assert_open(journal, GID " ");
    put_states(journal, GID, 7, 0, DM_SENT_ACCEPTED, DM_SENT_ACCEPTED);
    assert_open(journal, "");
    assert_consistent(journal);
}

static void assert_unacknowledged(DmJournal *journal, const char *tenant, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_true(dm_journal_list_unacknowledged(journal, tenant, note, text, NULL));
    assert_string_equal(text->str, expected);
}

/* As an older version made it. */
static void test_file_is_closed_to_the_group(void **state)
{
    g_autofree char *path = g_build_filename(*state, "journal.lmdb", NULL);
    g_autofree char *lock = g_build_filename(*state, "journal.lmdb-lock", NULL);
    const char *const files[] = {path, lock};

    dm_journal_close(own(*state));
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        assert_int_equal(chmod(files[i], 0640), 0);
    dm_journal_close(own(*state));
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        struct stat status;

        assert_int_equal(stat(files[i], &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
}

static void test_unacknowledged(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);

    put_received(journal, "m-1", DM_RECEIVED_FETCHED, 5);
    put_received(journal, "m-2", DM_RECEIVED_FETCHED, 5);
    put_received(journal, "m-1", DM_RECEIVED_INJECTING, 6);
    assert_unacknowledged(journal, "gemeinde", "");
    put_received(journal, "m-1", DM_RECEIVED_INJECTED, 7);
    put_received(journal, "m-2", DM_RECEIVED_INJECTED, 7);
    assert_unacknowledged(journal, "gemeinde", "m-1 m-2 ");
    assert_unacknowledged(journal, "stadt", "");
    put_received(journal, "m-1", DM_RECEIVED_ACKNOWLEDGED, 8);
    assert_unacknowledged(journal, "gemeinde", "m-2 ");
    assert_consistent(journal);
}

/* More than a page, with recipients of one De-Mail on both sides of its end. */
static void test_many_open(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);
    g_autoptr(GString) expected = g_string_new(NULL);
    const DmSent sent[3] = {{.state = DM_SENT_SUBMITTING}, {.state = DM_SENT_SUBMITTING}, {.state = DM_SENT_UNKNOWN}};

    for (guint i = 0; i < 400; i++) {
        g_autofree char *id = g_strdup_printf("%032u", i);

        assert_true(dm_journal_put_sent(journal, id, NULL, (char *[]){(char *)ERIKA, (char *)KARL, (char *)OTTO}, sent,
                                        3, NULL));
        g_string_append_printf(expected, "%s ", id);
    }
    assert_open(journal, expected->str);
}

/* Beside the owner's process, as demailctl would: here in another journal object after the owner's was closed. */
static void test_decide(void **state)
{
    guint decided = 0;

    {
        g_autoptr(DmJournal) journal = own(*state);
        put_states(journal, GID, 5, 0, DM_SENT_UNKNOWN, DM_SENT_ACCEPTED);
        put_states(journal, GID2, 5, 0, DM_SENT_UNKNOWN, DM_SENT_SUBMITTING);
    }
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_AMEND, NULL);
    assert_non_null(journal);
    assert_true(dm_journal_decide(journal, GID, TRUE, &decided, NULL));
    assert_int_equal(decided, 1);
    assert_sent(journal, GID, ERIKA, DM_SENT_DEFERRED, DM_CODE_RELEASED);
    assert_sent(journal, GID, OTTO, DM_SENT_ACCEPTED, "");
    assert_open(journal, GID2 " ");
    assert_true(dm_journal_decide(journal, GID2, FALSE, &decided, NULL));
    assert_int_equal(decided, 1);
    assert_sent(journal, GID2, ERIKA, DM_SENT_REFUSED, DM_CODE_DROPPED);
    assert_sent(journal, GID2, OTTO, DM_SENT_SUBMITTING, "");
    assert_open(journal, GID2 " ");
    assert_true(dm_journal_decide(journal, GID2, TRUE, &decided, NULL));
    assert_int_equal(decided, 0);
    assert_true(dm_journal_decide(journal, "nobody", TRUE, &decided, NULL));
    assert_int_equal(decided, 0);
    assert_consistent(journal);
}

static void test_expire_sent(void **state)
{
    static const struct {
        const char *name;
        gint64 time;
        guint options;
        DmSentState first, second;
        DmSentEventKind events[3]; /* at 900 */
        gboolean goes;
    } cases[] = {
        {"accepted", 5, 0, DM_SENT_ACCEPTED, DM_SENT_ACCEPTED, {0}, TRUE},
        {"options without confirmation", 5, DM_OPTION_PRIVATE, DM_SENT_ACCEPTED, DM_SENT_ACCEPTED, {0}, TRUE},
        {"refused, deferred", 5, DM_OPTION_RECEIPT, DM_SENT_REFUSED, DM_SENT_DEFERRED, {0}, TRUE},
        {"young", LATER, 0, DM_SENT_ACCEPTED, DM_SENT_ACCEPTED, {0}, FALSE},
        {"submitting", 5, 0, DM_SENT_ACCEPTED, DM_SENT_SUBMITTING, {0}, FALSE},
        {"unknown", 5, 0, DM_SENT_UNKNOWN, DM_SENT_REFUSED, {0}, FALSE},
        {"no dispatch", 5, DM_OPTION_DISPATCH, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_RECEIVED}, FALSE},
        {"dispatch", 5, DM_OPTION_DISPATCH, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_DISPATCHED}, TRUE},
        {"no receipt", 5, DM_OPTION_RECEIPT, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_DISPATCHED}, FALSE},
        {"receipt", 5, DM_OPTION_RECEIPT, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_RECEIVED}, TRUE},
        {"no retrieval", 5, DM_OPTION_RETRIEVE, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_RECEIVED}, FALSE},
        {"retrieval", 5, DM_OPTION_RETRIEVE, DM_SENT_ACCEPTED, DM_SENT_REFUSED, {DM_EVENT_RETRIEVED}, TRUE},
        {"undeliverable",
         5,
         DM_OPTION_RECEIPT | DM_OPTION_RETRIEVE,
         DM_SENT_ACCEPTED,
         DM_SENT_REFUSED,
         {DM_EVENT_UNDELIVERABLE},
         TRUE},
        {"undeliverable, no dispatch",
         5,
         DM_OPTION_DISPATCH,
         DM_SENT_ACCEPTED,
         DM_SENT_REFUSED,
         {DM_EVENT_UNDELIVERABLE},
         FALSE},
        {"all",
         5,
         DM_OPTIONS_ALL,
         DM_SENT_ACCEPTED,
         DM_SENT_ACCEPTED,
         {DM_EVENT_DISPATCHED, DM_EVENT_RECEIVED, DM_EVENT_RETRIEVED},
         TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = ts_make_folder();
        DmJournal *journal = own(folder);

        put_states(journal, GID, cases[i].time, cases[i].options, cases[i].first, cases[i].second);
        for (gsize k = 0; k < 3 && cases[i].events[k] != 0; k++)
            put_event(journal, GID, cases[i].events[k], 900);
        g_autofree char *before = jc_dump(journal);
        guint expired = 0;
        assert_true(dm_journal_expire(journal, LATER, NULL, NULL, &expired, NULL));
        g_autofree char *after = jc_dump(journal);
        if ((expired == 1) != cases[i].goes || strcmp(after, expired > 0 ? "f -> 2\n" : before) != 0)
            fail_msg("%s: expired %u, left\n%s", cases[i].name, expired, after);
        dm_journal_close(journal);
        ts_remove_folder(folder);
    }
    (void)state;
}

/* A late event is a change. */
static void test_expire_after_event(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);

    put_states(journal, GID, 5, 0, DM_SENT_ACCEPTED, DM_SENT_ACCEPTED);
    put_event(journal, GID, DM_EVENT_NOTIFIED, LATER);
    assert_expired(journal, 0);
    put_event(journal, "gone", DM_EVENT_NOTIFIED, LATER);
    assert_consistent(journal);
}

static void test_expire_received(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);
    gboolean injected = TRUE;

    put_received(journal, "m-1", DM_RECEIVED_FETCHED, 5);
    put_received(journal, "m-2", DM_RECEIVED_FETCHED, 5);
    put_received(journal, "m-22", DM_RECEIVED_FETCHED, 5);
    put_received(journal, "m-2", DM_RECEIVED_ACKNOWLEDGED, 6);
    put_received(journal, "m-22", DM_RECEIVED_ACKNOWLEDGED, LATER);
    assert_true(dm_journal_put_injected(journal, "gemeinde", "m-2", "max@gemeinde.example", 6, NULL));
    assert_true(dm_journal_put_injected(journal, "gemeinde", "m-22", "max@gemeinde.example", 6, NULL));
    assert_expired(journal, 1);
    g_autoptr(GPtrArray) found = dm_journal_find(journal, "AZ 7", NULL);
    assert_int_equal(found->len, 2);
    assert_true(dm_journal_get_injected(journal, "gemeinde", "m-2", "max@gemeinde.example", &injected, NULL));
    assert_false(injected);
    assert_true(dm_journal_get_injected(journal, "gemeinde", "m-22", "max@gemeinde.example", &injected, NULL));
    assert_true(injected);
    assert_expired(journal, 0);
}

static gboolean once(gpointer data)
{
    return (*(guint *)data)++ < 1;
}

/* Several batches, among them those that stay; and an end between two of them. */
static void test_expire_many(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);
    guint calls = 0;
    guint expired = 0;

    for (guint i = 0; i < 300; i++) {
        g_autofree char *id = g_strdup_printf("m-%03u", i);

        put_received(journal, id, i % 3 == 0 ? DM_RECEIVED_INJECTED : DM_RECEIVED_ACKNOWLEDGED, 5 + i / 10);
    }
    assert_true(dm_journal_expire(journal, LATER, once, &calls, &expired, NULL));
    assert_true(expired > 0 && expired < 100);
    assert_consistent(journal);
    assert_expired(journal, 200 - expired);
    assert_expired(journal, 0);
}

static void test_older_formats(void **state)
{
    static const struct {
        gboolean indexed; /* format 1, with entries by time */
        const char *open;
    } cases[] = {{FALSE, GID2 " "}, {TRUE, GID2 " "}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = ts_make_folder();
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) listing = NULL;
        g_autoptr(GString) text = g_string_new(NULL);

        JC_PUT_RAW(folder, "s\0" GID "\0" ERIKA, "1\0002\0005\0gemeinde\0004Q\0\0\0");
        JC_PUT_RAW(folder, "s\0" GID2 "\0" ERIKA, "1\0001\0006\0gemeinde\0004Q\0\0\0");
        JC_PUT_RAW(folder, "s\0" GID2 "\0" OTTO, "1\0003\0007\0gemeinde\0004Q\0\0x\0y");
        JC_PUT_RAW(folder, "r\0gemeinde\0m-1", "1\0003\0003\0normal\0AZ 1");
        if (cases[i].indexed) {
            JC_PUT_RAW(folder, "f", "1");
            JC_PUT_RAW(folder,
                       "t\0"
                       "0000000000000005\0" GID,
                       "1\0" GID "\0\0");
            JC_PUT_RAW(folder,
                       "t\0"
                       "0000000000000006\0" GID2,
                       "1\0" GID2 "\0\0");
            JC_PUT_RAW(folder,
                       "t\0"
                       "0000000000000003\0gemeinde\0m-1",
                       "1\0\0gemeinde\0m-1");
        }
        DmJournal *journal = dm_journal_open(folder, DM_JOURNAL_READ, NULL);
        assert_sent(journal, GID, ERIKA, DM_SENT_ACCEPTED, "");
        assert_false(dm_journal_list_open(journal, note, text, &listing));
        assert_non_null(strstr(listing->message, "older format"));
        dm_journal_close(journal);
        assert_null(dm_journal_open(folder, DM_JOURNAL_AMEND, &error));
        assert_int_equal(error->code, DM_ERROR_CONFIG);
        journal = own(folder);
        assert_consistent(journal);
        assert_open(journal, cases[i].open);
        assert_unacknowledged(journal, "gemeinde", "m-1 ");
        /* What comes later to an entry of an older version does not make it found twice. */
        put_states(journal, GID2, 50, 0, DM_SENT_ACCEPTED, DM_SENT_REFUSED);
        put_received(journal, "m-1", DM_RECEIVED_FETCHED, 50);
        put_received(journal, "m-1", DM_RECEIVED_ACKNOWLEDGED, 50);
        assert_consistent(journal);
        assert_expired(journal, 3);
        g_autofree char *rest = jc_dump(journal);
        assert_string_equal(rest, "f -> 2\n");
        dm_journal_close(journal);
        ts_remove_folder(folder);
    }
    (void)state;
}

static void test_newer_format(void **state)
{
    static const DmJournalMode modes[] = {DM_JOURNAL_READ, DM_JOURNAL_OWN, DM_JOURNAL_AMEND};

    JC_PUT_RAW(*state, "f", "12");
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(dm_journal_open(*state, modes[i], &error));
        assert_int_equal(error->code, DM_ERROR_CONFIG);
        assert_non_null(strstr(error->message, "has format 12, this program knows up to 2"));
        assert_non_null(strstr(error->message, *state));
    }
}

/* What finds an entry that is gone goes too. */
static void test_dangling(void **state)
{
    JC_PUT_RAW(*state, "f", "2");
    JC_PUT_RAW(*state,
               "t\0"
               "0000000000000005\0" GID,
               "1\0" GID "\0\0");
    JC_PUT_RAW(*state,
               "t\0"
               "0000000000000003\0gemeinde\0m-1",
               "1\0\0gemeinde\0m-1");

    g_autoptr(DmJournal) journal = own(*state);
    assert_expired(journal, 0);
    g_autofree char *rest = jc_dump(journal);
    assert_string_equal(rest, "f -> 2\n");
}

typedef struct {
    DmJournal *journal;
    guint number;
    gint *running; /* atomic */
} Worker;

/* Submits De-Mails, old ones and young ones, each to its end. */
static gpointer submit(gpointer data)
{
    const Worker *w = data;

    for (guint i = 0; i < 60; i++) {
        g_autofree char *id = g_strdup_printf("%u-%u", w->number, i);
        gint64 time = i % 2 == 0 ? 5 : LATER;

        put_states(w->journal, id, time, DM_OPTION_DISPATCH, DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
        put_states(w->journal, id, time, DM_OPTION_DISPATCH, DM_SENT_ACCEPTED, DM_SENT_UNKNOWN);
        put_event(w->journal, id, DM_EVENT_DISPATCHED, time);
    }
    g_atomic_int_add(w->running, -1);
    return NULL;
}

static gpointer decide(gpointer data)
{
    const Worker *w = data;

    while (g_atomic_int_get(w->running) > 0) {
        for (guint i = 0; i < 60; i++) {
            g_autofree char *id = g_strdup_printf("%u-%u", i % 3, i);
            guint decided = 0;

            assert_true(dm_journal_decide(w->journal, id, FALSE, &decided, NULL));
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    g_autoptr(DmJournal) journal = own(*state);
    gint running = 3;
    Worker workers[4] = {
        {journal, 0, &running}, {journal, 1, &running}, {journal, 2, &running}, {journal, 3, &running}};
    GThread *threads[4];
    guint expired = 0;
    guint total = 0;

    for (guint i = 0; i < 4; i++)
        threads[i] = g_thread_new("worker", i < 3 ? submit : decide, &workers[i]);
    while (g_atomic_int_get(&running) > 0) {
        assert_true(dm_journal_expire(journal, LATER, NULL, NULL, &expired, NULL));
        total += expired;
    }
    for (guint i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    assert_consistent(journal);
    for (guint i = 0; i < 180; i++) {
        g_autofree char *id = g_strdup_printf("%u-%u", i / 60, i % 60);
        guint decided = 0;
        assert_true(dm_journal_decide(journal, id, FALSE, &decided, NULL));
    }
    assert_open(journal, "");
    assert_true(dm_journal_expire(journal, LATER, NULL, NULL, &expired, NULL));
    assert_consistent(journal);
    (void)total;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_file_is_closed_to_the_group, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_unacknowledged, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_many_open, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_decide, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_expire_sent),
        cmocka_unit_test_setup_teardown(test_expire_after_event, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_expire_received, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_expire_many, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_older_formats),
        cmocka_unit_test_setup_teardown(test_newer_format, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_dangling, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_threads, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
