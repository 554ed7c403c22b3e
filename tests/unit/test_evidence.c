/*
 * Submissions with an archive: whatever breaks, what was sent is in it once, what was not is not, and nothing is sent
 * that it does not have.
 */
#include "poller/evidence.h"

#include "common/archive_verify.h"
#include "poller/archive_settle.h"
#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ERIKA "erika@muster.de-mail.de"
#define OTTO  "otto@muster.de-mail.de"
#define ID    "00112233445566778899aabbccddeeff"
#define DRAFT "Subject: Bescheid\r\n\r\nText\r\n"

typedef struct {
    char *folder;
    char *dir;
    DmGateway *gateway;
    DmTenantConfig *tenant;
    DmChannels *channels;
    DmChannel *channel;
    DmJournal *journal;
    DmSubmitter *submitter;
    DmArchives *archives;
    gsize read;
    gint64 size; /* told before the draft is read; 0: not known */
} Fixture;

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    *fake_provider() = (FakeProvider){0};
    f->folder = ts_make_folder();
    f->dir = g_build_filename(f->folder, "archive", NULL);
    assert_int_equal(g_mkdir_with_parents(f->dir, 0700), 0);
    f->gateway = ts_gateway(f->folder, "");
    dm_gateway_set_current(f->gateway);
    f->tenant = (DmTenantConfig *)dm_config_tenant_by_name(f->gateway->config, "gemeinde");
    g_free(f->tenant->archive_dir);
    f->tenant->archive_dir = g_strdup(f->dir);
    f->channels = dm_channels_new();
    f->channel = dm_channels_get(f->channels, f->gateway, f->tenant, NULL);
    f->journal = dm_journal_open(f->folder, DM_JOURNAL_OWN, NULL);
    f->submitter = dm_submitter_new(f->journal);
    f->archives = dm_archives_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_archives_free(f->archives);
    dm_submitter_free(f->submitter);
    dm_channel_unref(f->channel);
    dm_channels_free(f->channels);
    dm_journal_close(f->journal);
    dm_gateway_set_current(NULL);
    dm_gateway_unref(f->gateway);
    ts_remove_folder(f->folder);
    g_free(f->dir);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size > 0 ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* While it is away, nothing can be opened or moved in it. */
static void hide_archive(const Fixture *f, gboolean hide)
{
    g_autofree char *away = g_strconcat(f->dir, ".away", NULL);

    assert_int_equal(hide ? g_rename(f->dir, away) : g_rename(away, f->dir), 0);
}

static const Fixture *breaking; /* whose archive is hidden */

/* The provider reads all of it. FALSE if the source breaks. */
static gboolean read_all(const DmSubmission *submission, gboolean *unsure, GError **error)
{
    char buffer[7];
    gssize n;

    while ((n = submission->read(buffer, sizeof buffer, submission->data)) > 0)
        continue;
    *unsure = n < 0;
    if (n < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the source broke");
    return n == 0;
}

static DmOutcome *outcome_of(const char *erika, const char *otto)
{
    DmOutcome *outcome = dm_outcome_new();
    const char *const words[] = {erika, otto}, *const addresses[] = {ERIKA, OTTO};

    g_free(outcome->id);
    outcome->id = g_strdup("p-1");
    for (guint i = 0; i < 2; i++) {
        if (words[i])
            dm_outcome_add(outcome, addresses[i],
                           g_str_equal(words[i], "accepted")  ? DM_RESULT_ACCEPTED
                           : g_str_equal(words[i], "refused") ? DM_RESULT_REFUSED
                                                              : DM_RESULT_DEFERRED,
                           g_str_equal(words[i], "accepted") ? "" : "mailbox-full", "");
    }
    return outcome;
}

#define PROVIDER(name, erika, otto, after)                                                                             \
    static gboolean name(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)        \
    {                                                                                                                  \
        if (!read_all(submission, unsure, error))                                                                      \
            return FALSE;                                                                                              \
        after;                                                                                                         \
        *outcome = outcome_of(erika, otto);                                                                            \
        return TRUE;                                                                                                   \
    }
PROVIDER(accept_all, "accepted", "accepted", )
PROVIDER(accept_erika, "accepted", "refused", )
PROVIDER(defer_otto, "accepted", "deferred", )
PROVIDER(accept_otto, NULL, "accepted", )
PROVIDER(refuse_all, "refused", "refused", )
PROVIDER(forget_otto, "accepted", NULL, )
PROVIDER(accept_and_hide_the_archive, "accepted", "accepted", hide_archive(breaking, TRUE))
PROVIDER(accept_and_break_the_journal, "accepted", "accepted", limit_files(1))

static gboolean accept_on_a_full_disk(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                                      GError **error)
{
    limit_files(10);
    return accept_all(submission, outcome, unsure, error);
}

/* As one does that was told the length: nobody reads what comes behind it. */
static gboolean accept_by_length(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    char buffer[7];
    gssize n = 0;

    for (gint64 taken = 0; taken < submission->size; taken += n) {
        n = submission->read(buffer, (gsize)MIN((gint64)sizeof buffer, submission->size - taken), submission->data);
        if (n > 0)
            continue;
        *unsure = TRUE;
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the source broke");
        return FALSE;
    }
    *outcome = outcome_of("accepted", "accepted");
    return TRUE;
}

static gboolean accept_by_length_while_the_archive_is_away(const DmSubmission *submission, DmOutcome **outcome,
                                                           gboolean *unsure, GError **error)
{
    hide_archive(breaking, TRUE);
    return accept_by_length(submission, outcome, unsure, error);
}

/* As one does that knows the key already. */
static gboolean accept_before_the_end(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                                      GError **error)
{
    char buffer[7];

    (void)unsure;
    (void)error;
    assert_true(submission->read(buffer, sizeof buffer, submission->data) > 0);
    *outcome = outcome_of("accepted", "accepted");
    return TRUE;
}

static gboolean lose_the_answer(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error)
{
    (void)outcome;
    if (!read_all(submission, unsure, error))
        return FALSE;
    *unsure = TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the answer was lost");
    return FALSE;
}

static gboolean was_accepted(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)key;
    (void)fate;
    (void)error;
    *outcome = outcome_of("accepted", "accepted");
    return TRUE;
}

static gboolean prepare(char *const *recipients, gint64 *size, gpointer data, GError **error)
{
    Fixture *f = data;

    (void)recipients;
    (void)error;
    f->read = 0;
    *size = f->size;
    return TRUE;
}

static gssize read_draft(void *buffer, gsize size, gpointer data)
{
    Fixture *f = data;
    gsize n = MIN(size, strlen(DRAFT) - f->read);

    memcpy(buffer, DRAFT + f->read, n);
    f->read += n;
    return (gssize)n;
}

static DmArchive *archive_of(const Fixture *f)
{
    DmArchive *archive = NULL;

    assert_true(dm_archives_get(f->archives, f->tenant, &archive, NULL));
    return archive;
}

static void submit_with(Fixture *f, DmOnUnknown on_unknown, const char *erika, const char *otto)
{
    static char *const both[] = {(char *)ERIKA, (char *)OTTO, NULL};
    const DmSubmitRequest request = {.gateway_id = ID,
                                     .queue_id = "4Q",
                                     .tenant = "gemeinde",
                                     .envelope_sender = "max@gemeinde.example",
                                     .sender = "max@gemeinde.de-mail.de",
                                     .private_id = "az-1",
                                     .email = "max@gemeinde.example",
                                     .message_id = "<1@gemeinde.example>",
                                     .on_unknown = on_unknown,
                                     .archive = archive_of(f),
                                     .recipients = both,
                                     .prepare = prepare,
                                     .read = read_draft,
                                     .data = f};
    g_autoptr(GPtrArray) replies = dm_submit(f->submitter, f->channel, &request);
    const char *const expected[] = {erika, otto};

    for (guint i = 0; i < 2; i++) {
        if (!g_str_has_prefix(g_ptr_array_index(replies, i), expected[i]))
            print_error("%s instead of %s\n", (char *)g_ptr_array_index(replies, i), expected[i]);
        assert_true(g_str_has_prefix(g_ptr_array_index(replies, i), expected[i]));
    }
}

static void submit(Fixture *f, const char *erika, const char *otto)
{
    submit_with(f, DM_UNKNOWN_HOLD, erika, otto);
}

static void on_problem(const DmArchiveProblem *problem, gpointer data)
{
    (void)data;
    print_error("%s: %s\n", problem->file, problem->reason);
}

static void on_month(const char *month, gint64 lines, const char *head, gpointer data)
{
    (void)lines;
    (void)head;
    g_free(*(char **)data);
    *(char **)data = g_strdup(month);
}

/* Lines that the archive has, whole, and what is begun. The last line is to have `words`. */
static void expect(const Fixture *f, gint64 lines, gint64 begun, const char *words)
{
    g_autofree char *month = NULL;
    const DmArchiveVerification order = {.dir = f->dir, .problem = on_problem, .month = on_month, .data = &month};
    DmArchiveReport report;

    assert_true(dm_archive_verify(&order, &report, NULL));
    assert_int_equal(report.problems, 0);
    assert_int_equal(report.messages, lines);
    assert_int_equal(report.bytes, lines * (gint64)strlen(DRAFT));
    assert_int_equal(report.begun, begun);
    if (!words)
        return;

    g_autofree char *path = g_build_filename(f->dir, month, "manifest", NULL);
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_strchomp(text);
    if (!strstr(strrchr(text, '\n') ? strrchr(text, '\n') : text, words))
        print_error("%s\nlacks %s\n", text, words);
    assert_non_null(strstr(strrchr(text, '\n') ? strrchr(text, '\n') : text, words));
}

static gboolean going(gpointer data)
{
    (void)data;
    return TRUE;
}

static void keep_house(const Fixture *f)
{
    dm_archive_settle(f->archives, f->submitter, f->journal, f->gateway, going, NULL);
}

/* The program ends and starts anew. */
static void restart(Fixture *f)
{
    dm_archives_free(f->archives);
    f->archives = dm_archives_new();
    archive_of(f);
}

static void decide(const Fixture *f, gboolean resend)
{
    guint decided = 0;

    assert_true(dm_journal_decide(f->journal, ID, resend, &decided, NULL));
    assert_int_equal(decided, 2);
}

static void test_accepted(void **state)
{
    fake_provider()->submit = accept_erika;
    submit(*state, "250 2.0.0", "550");
    submit(*state, "250 2.0.0", "550");
    expect(*state, 1, 0,
           " tenant=gemeinde direction=sent gid=" ID " qid=4Q private_id=az-1 sender=max@gemeinde.de-mail.de id=p-1 "
           "accepted=" ERIKA " refused=" OTTO " size=");
}

static void test_accepted_before_the_end_is_archived_whole(void **state)
{
    fake_provider()->submit = accept_before_the_end;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

static void test_refused_by_all_is_no_demail(void **state)
{
    fake_provider()->submit = refuse_all;
    submit(*state, "550", "550");
    expect(*state, 0, 0, NULL);
}

static void test_deferred_has_a_line_of_its_own(void **state)
{
    fake_provider()->submit = defer_otto;
    submit(*state, "250 2.0.0", "451");
    expect(*state, 1, 0, " accepted=" ERIKA " deferred=" OTTO " size=");
    fake_provider()->submit = accept_otto;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 2, 0, " accepted=" OTTO " size=");
}

static void test_lost_answer_that_was_accepted(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = was_accepted;
    submit(*state, "451 4.4.2", "451 4.4.2");
    expect(*state, 0, 1, NULL);
    keep_house(*state);
    expect(*state, 0, 1, NULL);
    restart(*state);
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " id=p-1 accepted=" ERIKA "," OTTO " size=");
    assert_int_equal(fake_provider()->submissions, 1);
}

static void test_lost_message_leaves_one_line(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_never_seen;
    submit(*state, "451 4.4.2", "451 4.4.2");
    fake_provider()->submit = accept_all;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

static void test_one_of_two_not_mentioned(void **state)
{
    fake_provider()->submit = forget_otto;
    submit(*state, "250 2.0.0", "451 4.4.2");
    expect(*state, 0, 1, NULL);
    fake_provider()->status = was_accepted;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

static void test_unknown_is_archived_when_it_is_decided(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.3.0", "451 4.3.0");
    expect(*state, 0, 1, NULL);
    decide(*state, FALSE);
    keep_house(*state);
    expect(*state, 1, 0, " unknown=" ERIKA "," OTTO " size=");
}

static void test_released_and_sent_again(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit(*state, "451 4.4.2", "451 4.4.2");
    submit(*state, "451 4.3.0", "451 4.3.0");
    decide(*state, TRUE);
    fake_provider()->submit = accept_all;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 2, 0, " accepted=" ERIKA "," OTTO " size=");
}

static void test_resent_without_a_word(void **state)
{
    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = fake_forgot;
    submit_with(*state, DM_UNKNOWN_RESEND, "451 4.4.2", "451 4.4.2");
    fake_provider()->submit = accept_all;
    submit_with(*state, DM_UNKNOWN_RESEND, "250 2.0.0", "250 2.0.0");
    expect(*state, 2, 0, " accepted=" ERIKA "," OTTO " size=");
}

static void test_archive_away_before(void **state)
{
    Fixture *f = *state;

    fake_provider()->submit = accept_all;
    archive_of(f);
    hide_archive(f, TRUE);
    submit(f, "451 4.3.0 De-Mail can't be sent", "451 4.3.0 De-Mail can't be sent");
    hide_archive(f, FALSE);
    assert_int_equal(fake_provider()->submissions, 0);
    expect(f, 0, 0, NULL);
    submit(f, "250 2.0.0", "250 2.0.0");
    expect(f, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

/* The provider never has the end of what the archive does not have. */
static void test_archive_full_in_the_message(void **state)
{
    fake_provider()->submit = accept_on_a_full_disk;
    fake_provider()->status = fake_never_seen;
    submit(*state, "451 4.3.0 De-Mail can't be sent", "451 4.3.0 De-Mail can't be sent");
    limit_files(0);
    expect(*state, 0, 0, NULL);
    fake_provider()->submit = accept_all;
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

/* The same where the provider knows the length, and so which byte is the last. */
static void test_archive_away_at_the_last_byte(void **state)
{
    Fixture *f = *state;

    f->size = (gint64)strlen(DRAFT);
    breaking = f;
    fake_provider()->submit = accept_by_length_while_the_archive_is_away;
    fake_provider()->status = fake_never_seen;
    submit(f, "451 4.3.0 De-Mail can't be sent", "451 4.3.0 De-Mail can't be sent");
    hide_archive(f, FALSE);
    fake_provider()->submit = accept_by_length;
    submit(f, "250 2.0.0", "250 2.0.0");
    expect(f, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

/* The MTA is told what is so, and the line follows. */
static void test_archive_away_after(void **state)
{
    Fixture *f = *state;

    breaking = f;
    fake_provider()->submit = accept_and_hide_the_archive;
    submit(f, "250 2.0.0", "250 2.0.0");
    keep_house(f);
    hide_archive(f, FALSE);
    expect(f, 0, 1, NULL);
    keep_house(f);
    expect(f, 1, 0, " id=p-1 accepted=" ERIKA "," OTTO " size=");
    submit(f, "250 2.0.0", "250 2.0.0");
    expect(f, 1, 0, NULL);
    assert_int_equal(fake_provider()->submissions, 1);
}

static void test_journal_full_after(void **state)
{
    fake_provider()->submit = accept_and_break_the_journal;
    fake_provider()->status = was_accepted;
    submit(*state, "451 4.3.0", "451 4.3.0");
    limit_files(0);
    expect(*state, 0, 1, NULL);
    submit(*state, "250 2.0.0", "250 2.0.0");
    expect(*state, 1, 0, " id=p-1 accepted=" ERIKA "," OTTO " size=");
    assert_int_equal(fake_provider()->submissions, 1);
}

/* What was begun in the archive before a reload is ended there. */
static void test_reload_to_another_archive(void **state)
{
    Fixture *f = *state;
    g_autofree char *other = g_build_filename(f->folder, "other", NULL);

    fake_provider()->submit = lose_the_answer;
    fake_provider()->status = was_accepted;
    submit(f, "451", "451");
    expect(f, 0, 1, NULL);
    assert_int_equal(g_mkdir(other, 0700), 0);
    g_free(f->tenant->archive_dir);
    f->tenant->archive_dir = g_strdup(other);
    submit(f, "250 2.0.0", "250 2.0.0");
    keep_house(f);
    expect(f, 1, 0, " accepted=" ERIKA "," OTTO " size=");
}

/* A disk that fails when the poller starts is its tenant's trouble alone. */
static void test_archive_out_of_order_at_the_start(void **state)
{
    const Fixture *f = *state;
    g_autofree char *begun = g_build_filename(f->dir, "begun", NULL);
    g_autofree char *envelope = g_build_filename(begun, "sent-" ID "-1.eml.envelope", NULL);
    DmArchive *archive;

    assert_int_equal(g_mkdir(begun, 0700), 0);
    g_free(ts_write(begun, "sent-" ID "-1.eml", DRAFT));
    assert_int_equal(symlink(envelope, envelope), 0); /* ELOOP */
    assert_true(dm_archives_open(f->archives, f->gateway->config, NULL));
    assert_false(dm_archives_get(f->archives, f->tenant, &archive, NULL));
    assert_int_equal(g_unlink(envelope), 0);
    assert_true(dm_archives_get(f->archives, f->tenant, &archive, NULL));
    assert_non_null(archive);
}

static void test_archive_of_another_process(void **state)
{
    const Fixture *f = *state;
    g_autoptr(DmArchive) other = dm_archive_open(f->dir, NULL);
    g_autoptr(GError) error = NULL;

    assert_false(dm_archives_open(f->archives, f->gateway->config, &error));
    assert_int_equal(error->code, DM_ERROR_UNAVAILABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(accepted),
        TEST(accepted_before_the_end_is_archived_whole),
        TEST(refused_by_all_is_no_demail),
        TEST(deferred_has_a_line_of_its_own),
        TEST(lost_answer_that_was_accepted),
        TEST(lost_message_leaves_one_line),
        TEST(one_of_two_not_mentioned),
        TEST(unknown_is_archived_when_it_is_decided),
        TEST(released_and_sent_again),
        TEST(resent_without_a_word),
        TEST(archive_away_before),
        TEST(archive_full_in_the_message),
        TEST(archive_away_at_the_last_byte),
        TEST(archive_away_after),
        TEST(journal_full_after),
        TEST(reload_to_another_archive),
        TEST(archive_out_of_order_at_the_start),
        TEST(archive_of_another_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
