/*
 * A submission, and all that can go wrong in it: no recipient is ever sent to twice.
 */
#include "poller/submit.h"

#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define DRAFT_SIZE 4711
#define ERIKA      "erika@muster.de-mail.de"
#define OTTO       "otto@muster.de-mail.de"
#define ID         "00112233445566778899aabbccddeeff"

typedef struct {
    char *folder;
    DmGateway *gateway;
    DmChannels *channels;
    DmChannel *channel;
    DmJournal *journal;
    DmSubmitter *submitter;
} Fixture;

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    *fake_provider() = (FakeProvider){0};
    f->folder = ts_make_folder();
    f->gateway = ts_gateway(f->folder, "");
    dm_gateway_set_current(f->gateway);
    f->channels = dm_channels_new();
    f->channel =
        dm_channels_get(f->channels, f->gateway, dm_config_tenant_by_name(f->gateway->config, "gemeinde"), NULL);
    f->journal = dm_journal_open(f->folder, DM_JOURNAL_OWN, NULL);
    f->submitter = dm_submitter_new(f->journal);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_submitter_free(f->submitter);
    dm_channel_unref(f->channel);
    dm_channels_free(f->channels);
    dm_journal_close(f->journal);
    dm_gateway_set_current(NULL);
    dm_gateway_unref(f->gateway);
    ts_remove_folder(f->folder);
    g_free(f->folder);
    g_free(f);
    return 0;
}

/* While it may write no file, the journal can't be written. */
static void forbid_writing(gboolean forbid)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = forbid ? 1 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static DmOutcome *outcome_of(char *const *recipients, DmResultKind kind)
{
    DmOutcome *outcome = dm_outcome_new();

    g_free(outcome->id);
    outcome->id = g_strdup("p-1");
    for (char *const *r = recipients; *r; r++)
        dm_outcome_add(outcome, *r, kind, kind == DM_RESULT_ACCEPTED ? "" : "mailbox-full", "");
    return outcome;
}

static char *const both[] = {(char *)ERIKA, (char *)OTTO, NULL};

static gboolean accept_all(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    (void)unsure;
    (void)error;
    assert_int_equal(submission->size, DRAFT_SIZE);
    *outcome = outcome_of(submission->recipients, DM_RESULT_ACCEPTED);
    return TRUE;
}

static gboolean accept_erika(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    (void)submission;
    (void)unsure;
    (void)error;
    *outcome = outcome_of((char *const[]){(char *)ERIKA, NULL}, DM_RESULT_ACCEPTED);
    return TRUE;
}

static gboolean defer_otto(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    assert_true(accept_erika(submission, outcome, unsure, error));
    dm_outcome_add(*outcome, OTTO, DM_RESULT_DEFERRED, "mailbox-full", "");
    return TRUE;
}

static gboolean only_otto(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    assert_string_equal(submission->recipients[0], OTTO);
    assert_null(submission->recipients[1]);
    return accept_all(submission, outcome, unsure, error);
}

static gboolean lose_the_answer(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    (void)submission;
    (void)outcome;
    *unsure = TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the answer was lost");
    return FALSE;
}

static gboolean unreachable(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    (void)submission;
    (void)outcome;
    (void)unsure;
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "refused the login of poststelle@gemeinde.de-mail.de");
    return FALSE;
}

static gboolean accept_and_break_the_journal(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                                             GError **error)
{
    forbid_writing(TRUE);
    return accept_all(submission, outcome, unsure, error);
}

static gboolean in_progress(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)fate;
    (void)key;
    (void)error;
    *outcome = outcome_of(both, DM_RESULT_IN_PROGRESS);
    return TRUE;
}

static gboolean was_accepted(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)fate;
    assert_string_equal(key, ID);
    (void)error;
    *outcome = outcome_of(both, DM_RESULT_ACCEPTED);
    return TRUE;
}

static gboolean knows_erika_only(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)key;
    (void)fate;
    (void)error;
    *outcome = outcome_of((char *const[]){(char *)ERIKA, NULL}, DM_RESULT_ACCEPTED);
    dm_outcome_add(*outcome, OTTO, DM_RESULT_UNKNOWN, "", "");
    return TRUE;
}

static gboolean can_not_tell(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)fate;
    (void)key;
    (void)outcome;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "not now");
    return FALSE;
}

static gboolean prepare(char *const *recipients, gint64 *size, gpointer data, GError **error)
{
    (void)recipients;
    (void)data;
    (void)error;
    *size = DRAFT_SIZE;
    return TRUE;
}

static gssize read_nothing(void *buffer, gsize size, gpointer data)
{
    (void)buffer;
    (void)size;
    (void)data;
    return 0;
}

/* Submits to both and checks how the answers begin. */
static void submit_with(const Fixture *f, DmOnUnknown on_unknown, const char *erika, const char *otto)
{
    const DmSubmitRequest request = {.gateway_id = ID,
                                     .queue_id = "4Q",
                                     .tenant = "gemeinde",
                                     .envelope_sender = "max@gemeinde.example",
                                     .sender = "max@gemeinde.de-mail.de",
                                     .private_id = "",
                                     .email = "max@gemeinde.example",
                                     .message_id = "<1@gemeinde.example>",
                                     .on_unknown = on_unknown,
                                     .recipients = both,
                                     .prepare = prepare,
                                     .read = read_nothing};
    g_autoptr(GPtrArray) replies = dm_submit(f->submitter, f->channel, &request);
    const char *const expected[] = {erika, otto};

    assert_int_equal(replies->len, 2);
    for (guint i = 0; i < 2; i++) {
        const char *reply = g_ptr_array_index(replies, i);

        if (!g_str_has_prefix(reply, expected[i]))
            print_error("%s instead of %s\n", reply, expected[i]);
        assert_true(g_str_has_prefix(reply, expected[i]));
        assert_null(strstr(reply, "poststelle@"));
    }
}

static void submit(const Fixture *f, const char *erika, const char *otto)
{
    submit_with(f, DM_UNKNOWN_HOLD, erika, otto);
}

static void test_accepted_is_answered_from_the_journal(void **state)
{
    fake_provider()->submit = accept_all;
    submit(*state, "250 2.0.0", "250 2.0.0");
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 1);
    assert_int_equal(fake_provider()->questions, 0);
}

static void test_only_the_deferred_is_sent_again(void **state)
{
    fake_provider()->submit = defer_otto;
    submit(*state, "250 2.0.0", "451 4.2.2");
    fake_provider()->submit = only_otto;
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 2);
}

static void test_lost_answer(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = can_not_tell;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.4.1", "451 4.4.1");
    fake_provider()->status = in_progress;
    submit(*state, "451 4.4.2", "451 4.4.2");
    fake_provider()->status = was_accepted;
    submit(*state, "250 2.0.0", "250 2.0.0");
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 1);
    assert_int_equal(fake_provider()->questions, 3);
}

static void test_lost_question_is_sent_again(void **state)
{
    fake_provider()->submit = lose_the_answer;
    submit(*state, "451 4.4.2", "451 4.4.2");
    fake_provider()->submit = accept_all;
    fake_provider()->status = fake_never_seen;
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 2);
}

static void test_recipient_not_mentioned_is_asked_for(void **state)
{
    fake_provider()->submit = accept_erika;
    submit(*state, "250 2.0.0", "451 4.4.2");
    fake_provider()->status = was_accepted;
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 1);
    assert_int_equal(fake_provider()->questions, 1);
}

static void test_journal_full_before(void **state)
{
    fake_provider()->submit = accept_all;
    forbid_writing(TRUE);
    submit(*state, "451 4.3.0", "451 4.3.0");
    forbid_writing(FALSE);
    assert_int_equal(fake_provider()->submissions, 0);
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 1);
}

static void test_journal_full_after(void **state)
{
    fake_provider()->submit = accept_and_break_the_journal;
    submit(*state, "451 4.3.0", "451 4.3.0");
    forbid_writing(FALSE);
    fake_provider()->status = was_accepted;
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 1);
    assert_int_equal(fake_provider()->questions, 1);
}

/* Nothing left: tried again without a question, and the sender is not told about the account. */
static void test_unreachable(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    fake_provider()->submit = unreachable;
    submit(f, "451 4.4.1", "451 4.4.1");
    assert_false(dm_channel_ready(f->channel, &error));
    assert_int_equal(fake_provider()->logins, 0);
    fake_provider()->submit = accept_all;
    submit(f, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->questions, 0);
}

static void decide(const Fixture *f, gboolean resend, guint expected)
{
    guint decided = 0;

    assert_true(dm_journal_decide(f->journal, ID, resend, &decided, NULL));
    assert_int_equal(decided, expected);
}

static void test_unknown_is_held_and_released(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    decide(*state, TRUE, 0);
    submit(*state, "451 4.3.0 <" ERIKA ">: the De-Mail provider can't tell", "451 4.3.0");
    submit(*state, "451 4.3.0", "451 4.3.0");
    assert_int_equal(fake_provider()->submissions, 1);
    decide(*state, TRUE, 2);
    fake_provider()->submit = accept_all;
    submit(*state, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 2);
    decide(*state, FALSE, 0);
}

static void test_unknown_is_dropped(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.3.0", "451 4.3.0");
    decide(*state, FALSE, 2);
    submit(*state, "550 5.3.0 <" ERIKA ">: given up by the administrator", "550 5.3.0");
    assert_int_equal(fake_provider()->submissions, 1);
}

static void test_unknown_is_told_later(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.3.0", "451 4.3.0");
    fake_provider()->status = knows_erika_only;
    submit(*state, "250 2.0.0", "451 4.3.0");
    decide(*state, FALSE, 1);
    submit(*state, "250 2.0.0", "550 5.3.0");
    assert_int_equal(fake_provider()->submissions, 1);
}

/* For `decide_meanwhile`. */
static const Fixture *deciding;

/* The administrator gives up while the provider is asked. */
static gboolean decide_meanwhile(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    decide(deciding, FALSE, 2);
    return fake_never_seen(key, fate, outcome, error);
}

static void test_dropped_while_the_provider_is_asked(void **state)
{
    deciding = *state;
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.3.0", "451 4.3.0");
    fake_provider()->submit = accept_all;
    fake_provider()->status = decide_meanwhile;
    submit(*state, "451 4.3.0", "451 4.3.0");
    assert_int_equal(fake_provider()->submissions, 1);
    submit(*state, "550 5.3.0", "550 5.3.0");
}

/* A receipt proves what the provider can't tell. */
static void test_received_is_not_sent_again(void **state)
{
    const Fixture *f = *state;
    const DmSentEvent received = {DM_EVENT_RECEIVED, 7, (char *)"c-1", (char *)""};
    char *const erika[] = {(char *)ERIKA, NULL};

    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(f, "451 4.4.2", "451 4.4.2");
    submit(f, "451 4.3.0", "451 4.3.0");
    assert_true(dm_journal_put_event(f->journal, ID, erika, &received, NULL));
    submit(f, "250 2.0.0", "451 4.3.0");
    decide(f, TRUE, 1);
    assert_int_equal(fake_provider()->submissions, 1);
}

/* The stamp has become too old meanwhile. */
static void test_expired_tells_what_is_settled(void **state)
{
    const Fixture *f = *state;
    static char *const recipients[] = {(char *)ERIKA, (char *)OTTO, (char *)"karl@muster.de-mail.de", NULL};
    const DmSubmitRequest request = {.gateway_id = ID,
                                     .queue_id = "4Q",
                                     .tenant = "gemeinde",
                                     .private_id = "",
                                     .expired = "550 5.7.1 too old",
                                     .recipients = recipients,
                                     .prepare = prepare,
                                     .read = read_nothing};

    fake_provider()->submit = accept_erika;
    submit(f, "250 2.0.0", "451 4.4.2");
    fake_provider()->status = in_progress;

    g_autoptr(GPtrArray) replies = dm_submit(f->submitter, f->channel, &request);

    assert_true(g_str_has_prefix(g_ptr_array_index(replies, 0), "250 2.0.0"));
    assert_true(g_str_has_prefix(g_ptr_array_index(replies, 1), "451 4.4.2"));
    assert_string_equal(g_ptr_array_index(replies, 2), "550 5.7.1 too old");
    assert_int_equal(fake_provider()->submissions, 1);
}

static void test_unknown_is_sent_again(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit_with(*state, DM_UNKNOWN_RESEND, "451 4.4.2", "451 4.4.2");
    fake_provider()->submit = accept_all;
    submit_with(*state, DM_UNKNOWN_RESEND, "250 2.0.0", "250 2.0.0");
    assert_int_equal(fake_provider()->submissions, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accepted_is_answered_from_the_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_the_deferred_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_question_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recipient_not_mentioned_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_full_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_full_after, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreachable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_is_held_and_released, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_is_told_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dropped_while_the_provider_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_received_is_not_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expired_tells_what_is_settled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_is_sent_again, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
