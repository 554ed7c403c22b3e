/*
 * The poll loop: one message that can't be handed over does not hold up the mailbox, and many do not wait for each
 * other's round.
 */
#include "poller/poll.h"

#include "poller/anchors.h"
#include "poller/inject.h"
#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>

#define ROUNDS          5
#define SECONDS         8 /* five rounds a second apart; with pauses that double they take 15 */
#define PATIENCE        30
#define LONG_PATIENCE   120
#define MANY            5001 /* one more than a list shows */
#define PAIRS           3    /* of rounds */
#define STUCK           "stuck@gemeinde.example"
#define MICROS_PER_LOOK 10000

/* Used by the poll thread alone until it has ended. */
static struct {
    guint stuck; /* attempts */
    guint good;  /* copies */
} mta;

DmInjector *dm_injector_new(void)
{
    return NULL;
}

void dm_injector_free(DmInjector *injector)
{
    (void)injector;
}

DmInjectResult dm_inject(const DmInjection *injection, char *const *recipients, GError **error)
{
    (void)injection;
    if (!g_str_equal(recipients[0], STUCK)) {
        mta.good++;
        return DM_INJECT_DONE;
    }
    mta.stuck++;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "452 4.3.4 too large for now");
    return DM_INJECT_LATER;
}

static DmGateway *make_gateway(const char *folder)
{
    DmGateway *gateway = ts_gateway(folder, "");
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    assert_true(dm_anchors_attach(gateway, problems, NULL));
    for (guint i = 0; i < gateway->config->tenants->len; i++) {
        DmTenantConfig *tenant = g_ptr_array_index(gateway->config->tenants, i);

        tenant->poll = g_str_equal(tenant->name, "gemeinde");
    }
    ((DmProviderConfig *)g_ptr_array_index(gateway->config->providers, 0))->poll_interval = 1;
    return gateway;
}

static void test_one_stuck_message(void **state)
{
    static const char *const ids[] = {"stuck", "good", NULL};
    g_autoptr(DmGateway) gateway = make_gateway(*state);
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    DmChannels *channels = dm_channels_new();
    DmArchives *archives = dm_archives_new();
    DmPolls *polls = dm_polls_new(channels, journal, archives);
    gint64 begin = g_get_monotonic_time();

    *fake_provider() = (FakeProvider){.message = "Subject: x\r\n\r\n", .ids = ids};
    dm_gateway_set_current(gateway);
    dm_polls_update(polls);
    while (g_atomic_int_get(&fake_provider()->lists) < ROUNDS &&
           g_get_monotonic_time() < begin + (gint64)PATIENCE * G_USEC_PER_SEC)
        g_usleep(MICROS_PER_LOOK);

    gint64 elapsed = g_get_monotonic_time() - begin;

    assert_true(dm_polls_stop(polls, PATIENCE));
    assert_true(elapsed < (gint64)SECONDS * G_USEC_PER_SEC);
    assert_int_equal(mta.good, 1);
    assert_in_range(mta.stuck, 2, ROUNDS - 1);
    dm_channels_free(channels);
    dm_archives_free(archives);
    dm_gateway_set_current(NULL);
}

/* After the interval nobody would wait for the second list. */
static void test_full_mailbox_is_emptied_without_a_pause(void **state)
{
    g_autoptr(DmGateway) gateway = make_gateway(*state);
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    DmChannels *channels = dm_channels_new();
    DmArchives *archives = dm_archives_new();
    DmPolls *polls = dm_polls_new(channels, journal, archives);
    g_auto(GStrv) ids = g_new0(char *, MANY + 1);
    gint64 begin = g_get_monotonic_time();

    for (guint i = 0; i < MANY; i++)
        ids[i] = g_strdup_printf("m%u", i);
    ((DmProviderConfig *)g_ptr_array_index(gateway->config->providers, 0))->poll_interval = 3600;
    *fake_provider() =
        (FakeProvider){.message = "Subject: x\r\n\r\n", .ids = (const char *const *)ids, .shrinks = TRUE};
    dm_gateway_set_current(gateway);
    dm_polls_update(polls);
    while (g_atomic_int_get(&fake_provider()->lists) < 2 &&
           g_get_monotonic_time() < begin + (gint64)LONG_PATIENCE * G_USEC_PER_SEC)
        g_usleep(MICROS_PER_LOOK);
    assert_true(dm_polls_stop(polls, PATIENCE));
    assert_int_equal(g_atomic_int_get(&fake_provider()->lists), 2);
    assert_in_range(fake_provider()->acks, MANY - 1, MANY);
    dm_channels_free(channels);
    dm_archives_free(archives);
    dm_gateway_set_current(NULL);
}

/* A provider may go on showing what it was told to be taken over; a confirmation may wait for its word. */
static void test_full_list_that_stays_the_same_is_no_reason_to_go_on(void **state)
{
    g_autoptr(DmGateway) gateway = make_gateway(*state);
    g_autoptr(DmJournal) journal = dm_journal_open(*state, DM_JOURNAL_OWN, NULL);
    DmChannels *channels = dm_channels_new();
    DmArchives *archives = dm_archives_new();
    DmPolls *polls = dm_polls_new(channels, journal, archives);
    g_autofree const char **ids = g_new0(const char *, MANY + 1);
    gint64 begin = g_get_monotonic_time();

    for (guint i = 0; i < MANY; i++)
        ids[i] = "stuck";
    *fake_provider() = (FakeProvider){.message = "Subject: x\r\n\r\n", .ids = ids};
    dm_gateway_set_current(gateway);
    dm_polls_update(polls);
    while (g_atomic_int_get(&fake_provider()->lists) < 2 * PAIRS &&
           g_get_monotonic_time() < begin + (gint64)PATIENCE * G_USEC_PER_SEC)
        g_usleep(MICROS_PER_LOOK);

    gint64 elapsed = g_get_monotonic_time() - begin;

    assert_true(dm_polls_stop(polls, PATIENCE));
    assert_in_range(g_atomic_int_get(&fake_provider()->lists), 2 * PAIRS, 2 * PAIRS + 2);
    /* A second, less a tenth, between one pair and the next. */
    assert_true(elapsed > (PAIRS - 1) * G_USEC_PER_SEC * 9 / 10);
    dm_channels_free(channels);
    dm_archives_free(archives);
    dm_gateway_set_current(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_stuck_message, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_full_mailbox_is_emptied_without_a_pause, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_full_list_that_stays_the_same_is_no_reason_to_go_on, ts_set_up,
                                        ts_tear_down)};

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
