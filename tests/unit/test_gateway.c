/*
 * A new configuration comes into force as a whole or not at all.
 */
#include "tests/unit/support.h"

static gboolean refuse(DmGateway *gateway, GPtrArray *problems)
{
    assert_non_null(gateway->stamp_key);
    g_ptr_array_add(problems, g_strdup("client_key: is missing"));
    return FALSE;
}

static gboolean accept(DmGateway *gateway, GPtrArray *problems)
{
    (void)gateway;
    (void)problems;
    return TRUE;
}

static gboolean is_current(const DmGateway *gateway)
{
    g_autoptr(DmGateway) current = dm_gateway_current();

    return current == gateway;
}

static void test_reload(void **state)
{
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");
    guint needs = DM_GATEWAY_POLICY | DM_GATEWAY_STAMP;

    dm_gateway_set_current(gateway);
    assert_false(dm_gateway_reload(needs, refuse));
    assert_true(is_current(gateway));
    assert_true(dm_gateway_reload(needs, accept));
    assert_false(is_current(gateway));
    assert_true(dm_gateway_reload(needs, NULL));
    dm_gateway_set_current(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_reload, ts_set_up, ts_tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
