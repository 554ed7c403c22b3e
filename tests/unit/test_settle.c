/*
 * What a crash left open is settled by the provider's word, and nothing is sent.
 */
#include "poller/settle.h"

#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#define ERIKA "erika@muster.de-mail.de"
#define OTTO  "otto@muster.de-mail.de"
#define ID    "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"

typedef struct {
    char *folder;
    DmGateway *gateway;
    DmSettler settler;
    gboolean stopped;
} Fixture;

static gboolean going(gpointer data)
{
    return !((const Fixture *)data)->stopped;
}

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    *fake_provider() = (FakeProvider){0};
    f->folder = ts_make_folder();
    f->gateway = ts_gateway(f->folder, "");
    dm_gateway_set_current(f->gateway);
    f->settler = (DmSettler){.channels = dm_channels_new(),
                             .journal = dm_journal_open(f->folder, DM_JOURNAL_OWN, NULL),
                             .going = going,
                             .data = f};
    f->settler.submitter = dm_submitter_new(f->settler.journal);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_submitter_free(f->settler.submitter);
    dm_channels_free(f->settler.channels);
    dm_journal_close(f->settler.journal);
    dm_gateway_set_current(NULL);
    dm_gateway_unref(f->gateway);
    ts_remove_folder(f->folder);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static void put(const Fixture *f, const char *id, const char *tenant, DmSentState erika, DmSentState otto)
{
    char *const recipients[] = {(char *)ERIKA, (char *)OTTO};
    const DmSent sent[] = {{.state = erika, .time = 1, .tenant = (char *)tenant, .queue_id = (char *)"4Q"},
                           {.state = otto, .time = 1, .tenant = (char *)tenant, .queue_id = (char *)"4Q"}};

    assert_true(dm_journal_put_sent(f->settler.journal, id, NULL, recipients, sent, 2, NULL));
}

static void assert_state(const Fixture *f, const char *id, const char *recipient, DmSentState state)
{
    DmSent sent;
    gboolean found = FALSE;

    assert_true(dm_journal_get_sent(f->settler.journal, id, recipient, &sent, &found, NULL));
    assert_true(found);
    assert_string_equal(dm_sent_state_word(sent.state), dm_sent_state_word(state));
    if (state == DM_SENT_ACCEPTED)
        assert_string_equal(sent.provider_id, "p-1");
    dm_sent_clear(&sent);
}

static void settle(const Fixture *f, guint questions)
{
    guint before = fake_provider()->questions;

    assert_true(dm_settle(&f->settler, f->gateway, NULL));
    assert_int_equal(fake_provider()->questions - before, questions);
    assert_int_equal(fake_provider()->submissions, 0);
}

static gboolean took_erika(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)fate;
    (void)error;
    assert_string_equal(key, ID);
    *outcome = dm_outcome_new();
    g_free((*outcome)->id);
    (*outcome)->id = g_strdup("p-1");
    dm_outcome_add(*outcome, ERIKA, DM_RESULT_ACCEPTED, "", "");
    return TRUE;
}

static gboolean in_progress(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    assert_true(took_erika(key, fate, outcome, error));
    dm_outcome_add(*outcome, OTTO, DM_RESULT_IN_PROGRESS, "", "");
    return TRUE;
}

static gboolean is_down(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)key;
    (void)fate;
    (void)outcome;
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "no route");
    return FALSE;
}

static void test_what_the_provider_tells(void **state)
{
    const Fixture *f = *state;

    put(f, ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    fake_provider()->status = in_progress;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_ACCEPTED);
    assert_state(f, ID, OTTO, DM_SENT_SUBMITTING);
    fake_provider()->status = took_erika;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_ACCEPTED);
    assert_state(f, ID, OTTO, DM_SENT_DEFERRED);
    settle(f, 0);
}

static void test_never_seen_waits_for_the_mta(void **state)
{
    const Fixture *f = *state;

    put(f, ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_REFUSED);
    fake_provider()->status = fake_never_seen;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_DEFERRED);
    assert_state(f, ID, OTTO, DM_SENT_REFUSED);
}

static void test_what_nobody_can_tell_is_asked_for_again(void **state)
{
    const Fixture *f = *state;

    put(f, ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_ACCEPTED);
    fake_provider()->status = fake_forgot;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_UNKNOWN);
    fake_provider()->status = took_erika;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_ACCEPTED);
}

static void test_provider_down_is_asked_once(void **state)
{
    const Fixture *f = *state;

    put(f, ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    put(f, OTHER, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    fake_provider()->status = is_down;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_SUBMITTING);
    assert_state(f, OTHER, ERIKA, DM_SENT_SUBMITTING);
}

/* For `drop_meanwhile`. */
static const Fixture *deciding;

static gboolean drop_meanwhile(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    guint decided = 0;

    assert_true(dm_journal_decide(deciding->settler.journal, ID, FALSE, &decided, NULL));
    assert_int_equal(decided, 1);
    return fake_never_seen(key, fate, outcome, error);
}

static void test_dropped_meanwhile_stays_dropped(void **state)
{
    deciding = *state;
    put(deciding, ID, "gemeinde", DM_SENT_UNKNOWN, DM_SENT_ACCEPTED);
    fake_provider()->status = drop_meanwhile;
    settle(deciding, 1);
    assert_state(deciding, ID, ERIKA, DM_SENT_REFUSED);
}

/* Each tenant has an account, and a login that may fail, of its own. */
static void test_another_tenant_of_the_provider(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) down = g_error_new(DM_ERROR, DM_ERROR_UNAVAILABLE, "login refused");
    const DmTenantConfig *tenant = dm_config_tenant_by_name(f->gateway->config, "gemeinde");
    g_autoptr(DmChannel) channel = dm_channels_get(f->settler.channels, f->gateway, tenant, NULL);

    put(f, OTHER, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_REFUSED);
    put(f, ID, "amt", DM_SENT_SUBMITTING, DM_SENT_REFUSED);
    put(f, "0" ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_REFUSED);
    dm_channel_failed(channel, down);
    fake_provider()->status = took_erika;
    settle(f, 1);
    assert_state(f, ID, ERIKA, DM_SENT_ACCEPTED);
    assert_state(f, OTHER, ERIKA, DM_SENT_SUBMITTING);
}

static void test_left_alone(void **state)
{
    Fixture *f = *state;

    put(f, OTHER, "gone", DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    put(f, ID, "gemeinde", DM_SENT_SUBMITTING, DM_SENT_SUBMITTING);
    fake_provider()->status = took_erika;
    assert_true(dm_submitter_take(f->settler.submitter, ID, 0));
    settle(f, 0);
    dm_submitter_release(f->settler.submitter, ID);
    f->stopped = TRUE;
    settle(f, 0);
    f->stopped = FALSE;
    settle(f, 1);
    assert_state(f, OTHER, ERIKA, DM_SENT_SUBMITTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_provider_tells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_seen_waits_for_the_mta, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_nobody_can_tell_is_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provider_down_is_asked_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dropped_meanwhile_stays_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_tenant_of_the_provider, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_alone, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
