/*
 * The life of De-Mails in the journal, once for each call that may fail on the way and each way to fail: what is
 * reported as failed is as before or as after, never half, and works at the next attempt, without opening the journal
 * again.
 */
#include "common/demail.h"
#include "common/journal.h"
#include "tests/unit/journal_check.h"
#include "tests/unit/journal_faults.h"
#include "tests/unit/support.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

#define ERIKA "erika@muster.de-mail.de"
#define OTTO  "otto@normal.de-mail.de"
#define KARL  "karl@muster.de-mail.de"
#define GID   "00112233445566778899aabbccddeeff"
#define OLD   "10112233445566778899aabbccddeeff"
#define LATER 1000

typedef struct {
    char *folder;
    DmJournal *journal; /* NULL: not open yet */
} Scene;

static gboolean put_states(Scene *s, DmSentState first, DmSentState second, DmSentState third, GError **error)
{
    char *recipients[] = {(char *)ERIKA, (char *)OTTO, (char *)KARL};
    DmSentState states[] = {first, second, third};
    DmSent sent[3];
    const DmSentMessage message = {(char *)GID,
                                   5,
                                   (char *)"gemeinde",
                                   (char *)"4Q",
                                   (char *)"max@gemeinde.example",
                                   (char *)"max@gemeinde.de-mail.de",
                                   (char *)"<1@gemeinde.example>",
                                   (char *)"AZ 1",
                                   DM_OPTION_RECEIPT,
                                   NULL};

    for (gsize i = 0; i < 3; i++)
        sent[i] = (DmSent){states[i], 6, (char *)"gemeinde", (char *)"4Q", NULL, NULL, NULL};
    for (gsize i = 0; i < 3; i++)
        sent[i].provider_id = (char *)(states[i] == DM_SENT_ACCEPTED ? "p-1" : "");
    return dm_journal_put_sent(s->journal, GID, &message, recipients, sent, 3, error);
}

static gboolean open_journal(Scene *s, GError **error)
{
    s->journal = dm_journal_open(s->folder, DM_JOURNAL_OWN, error);
    return s->journal != NULL;
}

static gboolean begin_submission(Scene *s, GError **error)
{
    return put_states(s, DM_SENT_SUBMITTING, DM_SENT_SUBMITTING, DM_SENT_SUBMITTING, error);
}

static gboolean end_submission(Scene *s, GError **error)
{
    return put_states(s, DM_SENT_ACCEPTED, DM_SENT_REFUSED, DM_SENT_UNKNOWN, error);
}

static gboolean decide(Scene *s, GError **error)
{
    guint decided = 0;

    return dm_journal_decide(s->journal, GID, TRUE, &decided, error);
}

static gboolean confirm(Scene *s, GError **error)
{
    const DmSentEvent event = {DM_EVENT_RECEIVED, 8, (char *)"c-1", (char *)""};

    return dm_journal_put_event(s->journal, GID, (char *[]){(char *)ERIKA, (char *)OTTO, NULL}, &event, error);
}

static gboolean put_received(Scene *s, DmReceivedState state, GError **error)
{
    const DmReceived received = {
        .state = state, .time = 9, .fetched = 7, .type = (char *)"normal", .private_id = (char *)"AZ 7"};

    return dm_journal_put_received(s->journal, "gemeinde", "m-1", &received, error);
}

static gboolean fetch(Scene *s, GError **error)
{
    return put_received(s, DM_RECEIVED_FETCHED, error);
}

static gboolean inject(Scene *s, GError **error)
{
    return put_received(s, DM_RECEIVED_INJECTING, error) &&
           dm_journal_put_injected(s->journal, "gemeinde", "m-1", "max@gemeinde.example", 9, error);
}

static gboolean acknowledge(Scene *s, GError **error)
{
    return put_received(s, DM_RECEIVED_ACKNOWLEDGED, error);
}

static gboolean count_entry(const DmJournalEntry *entry, gpointer data, GError **error)
{
    (void)entry;
    (void)error;
    (*(guint *)data)++;
    return TRUE;
}

static gboolean look(Scene *s, GError **error)
{
    guint listed = 0;
    guint open = 0;

    g_autoptr(GPtrArray) found = dm_journal_find(s->journal, "AZ 1", error);
    if (found == NULL || !dm_journal_list(s->journal, 0, count_entry, &listed, error) ||
        !dm_journal_list_open(s->journal, count_entry, &open, error))
        return FALSE;
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(s->journal, GID, error);
    if (recipients == NULL)
        return FALSE;
    assert_int_equal(found->len, 1);
    assert_int_equal(listed, 4);
    assert_int_equal(open, 1);
    assert_int_equal(recipients->len, 3);
    return TRUE;
}

static gboolean expire(Scene *s, GError **error)
{
    guint expired = 0;

    return dm_journal_expire(s->journal, LATER, NULL, NULL, &expired, error);
}

typedef struct {
    const char *name;
    gboolean (*run)(Scene *s, GError **error);
    gboolean in_parts; /* several transactions: what is there after a failure need not be as before or after */
} Step;

static const Step steps[] = {
    {"open", open_journal, TRUE},
    {"begin submission", begin_submission, FALSE},
    {"end submission", end_submission, FALSE},
    {"decide", decide, FALSE},
    {"confirm", confirm, FALSE},
    {"fetch", fetch, FALSE},
    {"inject", inject, TRUE},
    {"acknowledge", acknowledge, FALSE},
    {"look", look, FALSE},
    {"expire", expire, FALSE},
};

static char *expected[G_N_ELEMENTS(steps)]; /* what the journal is like after each */
static char *older;                         /* the file that an older version left */
static gsize older_length;

static void make_older(void)
{
    char *folder = ts_make_folder();
    g_autofree char *path = g_build_filename(folder, "journal.lmdb", NULL);

    JC_PUT_RAW(folder, "s\0" OLD "\0" ERIKA, "1\0001\0006\0gemeinde\0004Q\0\0\0");
    JC_PUT_RAW(folder, "s\0" OLD "\0" OTTO, "1\0003\0007\0gemeinde\0004Q\0\0x\0y");
    JC_PUT_RAW(folder, "r\0gemeinde\0m-0", "1\0004\0003\0normal\0AZ 1");
    assert_true(g_file_get_contents(path, &older, &older_length, NULL));
    ts_remove_folder(folder);
    g_free(folder);
}

static void set_up(Scene *s)
{
    *s = (Scene){ts_make_folder(), NULL};
    g_autofree char *path = g_build_filename(s->folder, "journal.lmdb", NULL);
    assert_true(g_file_set_contents(path, older, (gssize)older_length, NULL));
}

static void tear_down(Scene *s)
{
    dm_journal_close(s->journal);
    ts_remove_folder(s->folder);
    g_free(s->folder);
}

static void assert_consistent(const Scene *s, const char *where)
{
    g_autofree char *problem = jc_problem(s->journal);

    if (problem != NULL)
        fail_msg("%s: %s", where, problem);
}

static void assert_like(const Scene *s, const char *before, const char *after, const char *where)
{
    g_autofree char *dump = jc_dump(s->journal);

    if (strcmp(dump, after) != 0 && (before == NULL || strcmp(dump, before) != 0))
        fail_msg("%s:\n%s", where, dump);
}

/* What the program does something about, so that the caller does not see it. */
static gboolean heals(const Scene *s, const char *function, int code)
{
    if (s->journal == NULL)
        return FALSE;
    if (strcmp(function, "mdb_txn_begin") == 0)
        return code == MDB_PANIC || code == MDB_MAP_RESIZED;
    return code == MDB_MAP_FULL && (strcmp(function, "mdb_put") == 0 || strcmp(function, "mdb_txn_commit") == 0);
}

/* After the step in which the fault was. */
static void examine(Scene *s, gsize i, int code, gboolean good, GError *error, gboolean must_heal)
{
    const Step *step = &steps[i];
    g_autofree char *where = g_strdup_printf("%s, %s: %s", step->name, jf_fired(), mdb_strerror(code));
    g_autoptr(GError) again = NULL;

    if (good ? code > 0 : must_heal)
        fail_msg("%s: %s", where, good ? "not noticed" : "not healed");
    if (!good && (error == NULL || (i > 0 && error->code != DM_ERROR_TEMPORARY)))
        fail_msg("%s: no error, or another", where);
    if (!good && s->journal != NULL) {
        assert_consistent(s, where);
        if (!step->in_parts)
            assert_like(s, expected[i - 1], expected[i], where);
    }
    if (!good && !step->run(s, &again))
        fail_msg("%s: the next attempt: %s", where, again->message);
    assert_consistent(s, where);
    assert_like(s, NULL, expected[i], where);
}

static void run_step(Scene *s, gsize i, int code)
{
    gboolean before = jf_fired() != NULL;
    gboolean was_open = s->journal != NULL;
    g_autoptr(GError) error = NULL;

    jf_pause(FALSE);
    gboolean good = steps[i].run(s, &error);
    jf_pause(TRUE);
    if (!before && jf_fired() != NULL)
        examine(s, i, code, good, error, was_open && heals(s, jf_fired(), code));
    else if (!good)
        fail_msg("%s: %s", steps[i].name, error->message);
}

/* TRUE if the n-th call was made. */
static gboolean play(guint n, int code)
{
    Scene s;

    set_up(&s);
    jf_arm(n, code);
    jf_pause(TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        run_step(&s, i, code);
    g_clear_pointer(&s.journal, dm_journal_close);
    s.journal = dm_journal_open(s.folder, DM_JOURNAL_READ, NULL);
    assert_non_null(s.journal);
    assert_like(&s, NULL, expected[G_N_ELEMENTS(steps) - 1], "at the end");
    tear_down(&s);
    return jf_fired() != NULL;
}

static int set_up_all(void **state)
{
    Scene s;

    (void)state;
    make_older();
    set_up(&s);
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        assert_true(steps[i].run(&s, NULL));
        expected[i] = jc_dump(s.journal);
        assert_consistent(&s, steps[i].name);
    }
    tear_down(&s);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        g_free(expected[i]);
    g_free(older);
    return 0;
}

static void test_every_fault(void **state)
{
    static const int codes[] = {ENOSPC,       EIO,       EMFILE,          ENOMEM,
                                MDB_MAP_FULL, MDB_PANIC, MDB_MAP_RESIZED, MDB_READERS_FULL};
    static const char *const functions[] = {"mdb_env_create", "mdb_env_open", "mdb_txn_begin", "mdb_txn_commit",
                                            "mdb_get",        "mdb_put",      "mdb_del",       "mdb_cursor_get",
                                            "open",           "flock",        "pwrite",        "fdatasync"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        guint n = 1;
        while (play(n, codes[i]))
            n++;
        print_message("%s: %u calls failed in turn\n", mdb_strerror(codes[i]), n - 1);
        assert_true(n > 100);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (jf_count(functions[i]) == 0)
            fail_msg("%s was not called", functions[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_fault)};

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
