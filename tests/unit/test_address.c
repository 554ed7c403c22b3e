#include "common/address.h"
#include "common/mapping.h"
#include "tests/unit/support.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        const char *local; /* NULL: no plain address */
        const char *domain;
    } cases[] = {
        {"a@x.example", "a", "x.example"},
        {"<A.b@X.Example.>", "A.b", "x.example"},
        {" a@x ", "a", "x"},
        {"a", NULL, NULL},
        {"", NULL, NULL},
        {"<>", NULL, NULL},
        {"@x", NULL, NULL},
        {"a@", NULL, NULL},
        {".a@x", NULL, NULL},
        {"a..b@x", NULL, NULL},
        {"\"a\"@x", NULL, NULL},
        {"a@b@x", NULL, NULL},
        {"a@x..y", NULL, NULL},
        {"a@[192.0.2.1]", NULL, NULL},
        {"a@\xc3\xbc.example", NULL, NULL},
        {"a b@x", NULL, NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmAddress address;
        gboolean plain = dm_address_parse(cases[i].text, &address);
        if (g_strcmp0(address.local, cases[i].local) != 0 || g_strcmp0(address.domain, cases[i].domain) != 0 ||
            plain != (cases[i].local != NULL))
            fail_msg("%s: %s at %s", cases[i].text, address.local, address.domain);
        dm_address_clear(&address);
    }
}

static void test_long(void **state)
{
    g_autofree char *local = g_strnfill(DM_ADDRESS_MAX, 'a');
    g_autofree char *text = g_strconcat(local, "@x", NULL);
    DmAddress address;

    (void)state;
    assert_false(dm_address_parse(text, &address));
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(dm_address_equal("<A@X.example.>", "a@x.example"));
    assert_false(dm_address_equal("a@x.example", "b@x.example"));
    g_autofree char *domain = dm_address_domain("<\"a@b\"@X.example.>");
    assert_string_equal(domain, "x.example");
    assert_null(dm_address_domain("postmaster"));
}

static void check_map(const DmGateway *gateway, const char *email, const char *demail)
{
    const DmTenantConfig *tenant = dm_config_tenant_by_name(gateway->config, "gemeinde");
    g_autofree char *got = NULL;

    assert_true(dm_map_to_demail(gateway, tenant, email, &got, NULL));
    if (g_strcmp0(got, demail) != 0)
        fail_msg("%s -> %s", email, got);
}

static void check_map_back(const DmGateway *gateway, const char *demail, const char *email)
{
    const DmTenantConfig *tenant = dm_config_tenant_by_name(gateway->config, "gemeinde");
    g_autofree char *got = NULL;

    assert_true(dm_map_to_email(gateway, tenant, demail, &got, NULL));
    if (g_strcmp0(got, email) != 0)
        fail_msg("%s -> %s", demail, got);
}

static void test_mapping(void **state)
{
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");

    check_map(gateway, "Max.M@Gemeinde.example", "max.m@gemeinde.de-mail.de");
    check_map(gateway, "max+akte@gemeinde.example", "max@gemeinde.de-mail.de");
    check_map(gateway, "a@werke.example", "a@werke.de-mail.de");
    check_map(gateway, "buergermeisterin@gemeinde.example", "oberbuergermeisterin@gemeinde.de-mail.de");
    check_map(gateway, "a@elsewhere.example", NULL);
    check_map_back(gateway, "Max@gemeinde.de-mail.de", "max@gemeinde.example");
    check_map_back(gateway, "a@werke.de-mail.de", "a@werke.example");
    check_map_back(gateway, "oberbuergermeisterin@gemeinde.de-mail.de", "buergermeisterin@gemeinde.example");
    check_map_back(gateway, "erika@muster.de-mail.de", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_equal),
        cmocka_unit_test_setup_teardown(test_mapping, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
