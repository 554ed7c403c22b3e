/*
 * The way to a provider: what is logged, when it is tried again, and what a reload keeps.
 */
#include "poller/channel.h"

#include "common/log.h"
#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *folder;
    DmGateway *gateway;
    DmChannels *channels;
} Fixture;

static const DmTenantConfig *tenant_of(const DmGateway *gateway)
{
    return dm_config_tenant_by_name(gateway->config, "gemeinde");
}

static DmChannel *get(const Fixture *f, const DmGateway *gateway, GError **error)
{
    return dm_channels_get(f->channels, gateway, tenant_of(gateway), error);
}

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    *fake_provider() = (FakeProvider){0};
    f->folder = ts_make_folder();
    f->gateway = ts_gateway(f->folder, "");
    dm_gateway_set_current(f->gateway);
    f->channels = dm_channels_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_channels_free(f->channels);
    assert_int_equal(fake_provider()->open, 0);
    dm_gateway_set_current(NULL);
    dm_gateway_unref(f->gateway);
    ts_remove_folder(f->folder);
    g_free(f->folder);
    g_free(f);
    return 0;
}

/* What dm_channel_ready() logs; *ready: its result. Free with g_free(). */
static char *log_of_ready(const char *folder, DmChannel *channel, gboolean *ready)
{
    g_autofree char *path = ts_write(folder, "log", "");
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), before = dup(STDERR_FILENO);
    char *text = NULL;

    assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
    dm_log_open("test", TRUE, FALSE);
    *ready = dm_channel_ready(channel, NULL);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    close(file);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* Any failure is told when it begins and when it ends, and not in between. */
static void test_changes_are_logged(void **state)
{
    static const struct {
        int account_error;
        const char *event;
    } rounds[] = {
        {FAKE_ERROR(DM_ERROR_TEMPORARY), "event=provider-down provider=alpha tenant=gemeinde"},
        {FAKE_ERROR(DM_ERROR_TEMPORARY), NULL},
        {0, "event=provider-up provider=alpha tenant=gemeinde"},
        {0, NULL},
    };
    const Fixture *f = *state;
    g_autoptr(DmChannel) channel = get(f, f->gateway, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(rounds); i++) {
        gboolean ready;

        fake_provider()->account_error = rounds[i].account_error;

        g_autofree char *text = log_of_ready(f->folder, channel, &ready);

        assert_int_equal(ready, rounds[i].account_error == 0);
        if (rounds[i].event && !strstr(text, rounds[i].event))
            print_error("%s", text);
        if (rounds[i].event)
            assert_non_null(strstr(text, rounds[i].event));
        else
            assert_string_equal(text, "");
    }
}

static void test_unreachable_is_not_tried_at_once(void **state)
{
    const Fixture *f = *state;
    g_autoptr(DmChannel) channel = get(f, f->gateway, NULL);

    fake_provider()->login_error = FAKE_ERROR(DM_ERROR_UNAVAILABLE);
    assert_false(dm_channel_ready(channel, NULL));
    fake_provider()->login_error = 0;
    assert_false(dm_channel_ready(channel, NULL));
    assert_int_equal(fake_provider()->logins, 1);
}

/* Whoever only looks leaves it to others to open channels, and to close those of before. */
static void test_peek_opens_nothing(void **state)
{
    const Fixture *f = *state;
    g_autoptr(DmGateway) reloaded = ts_gateway(f->folder, "");

    assert_null(dm_channels_peek(f->channels, f->gateway, tenant_of(f->gateway)));
    assert_int_equal(fake_provider()->open, 0);
    dm_channel_unref(get(f, f->gateway, NULL));
    dm_gateway_set_current(reloaded);
    assert_null(dm_channels_peek(f->channels, reloaded, tenant_of(reloaded)));
    assert_int_equal(fake_provider()->open, 1);
}

static void test_reload(void **state)
{
    const Fixture *f = *state;
    g_autoptr(DmChannel) old = get(f, f->gateway, NULL);
    g_autoptr(DmGateway) reloaded = ts_gateway(f->folder, "");
    g_autoptr(GError) error = NULL;

    dm_gateway_set_current(reloaded);

    g_autoptr(DmChannel) new = get(f, reloaded, NULL);

    g_autoptr(DmChannel) peeked = dm_channels_peek(f->channels, reloaded, tenant_of(reloaded));

    assert_ptr_equal(peeked, new);
    assert_null(dm_channels_peek(f->channels, f->gateway, tenant_of(f->gateway)));
    assert_true(dm_channel_ready(new, NULL));
    assert_true(dm_channel_ready(old, NULL));
    assert_int_equal(fake_provider()->open, 2);
    assert_int_equal(fake_provider()->logins, 2);
    /* No login with what the old configuration says. */
    assert_null(get(f, f->gateway, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE));
    assert_int_equal(fake_provider()->logins, 2);
}

/* What is under way counts, whichever configuration it began with. */
static void test_limit_outlives_a_reload(void **state)
{
    const Fixture *f = *state;
    g_autoptr(DmChannel) old = get(f, f->gateway, NULL);
    g_autoptr(DmGateway) reloaded = ts_gateway(f->folder, "");
    gint64 max = tenant_of(reloaded)->provider->max_submissions;

    for (gint64 i = 0; i < max; i++)
        assert_true(dm_channel_enter(old, 0));
    dm_gateway_set_current(reloaded);

    g_autoptr(DmChannel) new = get(f, reloaded, NULL);

    assert_false(dm_channel_enter(new, 0));
    dm_channel_leave(old);
    assert_true(dm_channel_enter(new, 0));
    assert_false(dm_channel_enter(old, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes_are_logged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreachable_is_not_tried_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_peek_opens_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_outlives_a_reload, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
