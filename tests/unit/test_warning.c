/*
 * Facts, and the warnings and gauges that follow from them.
 */
#include "common/facts_file.h"
#include "common/gauges.h"
#include "tests/unit/support.h"

#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#define NOW ((gint64)1800000000)
#define DAY ((gint64)86400)

/* Of a gateway in *state, with nothing to warn of. */
static DmFacts *make_facts(const char *folder, const char *extra)
{
    g_autoptr(DmGateway) gateway = ts_gateway(folder, extra);

    return dm_facts_new(gateway->config, NOW);
}

static DmProviderFacts *alpha(const DmFacts *facts)
{
    return g_ptr_array_index(facts->providers, 0);
}

/* What there is to warn of, "kind subject stage" each. */
static char *summary(const DmFacts *facts, gint64 now)
{
    g_autoptr(GPtrArray) warnings = dm_warnings_find(facts, now);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < warnings->len; i++) {
        const DmWarning *warning = g_ptr_array_index(warnings, i);
        g_string_append_printf(text, "%s%s %s %u", i > 0 ? "; " : "", warning->kind, warning->subject, warning->stage);
    }
    return g_string_free(text, FALSE);
}

static void assert_warned(const DmFacts *facts, gint64 now, const char *expected)
{
    g_autofree char *found = summary(facts, now);

    assert_string_equal(found, expected);
}

static void test_nothing_to_warn_of(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");

    assert_warned(facts, NOW, "");
    assert_int_equal(facts->providers->len, 2);
    assert_int_equal(facts->tenants->len, 3);
    assert_int_equal(facts->tables->len, 4); /* demail_domains, sender_logins, senders of all three, addresses */
    assert_false(dm_facts_tenant(facts, "nobody") != NULL);
}

static void test_stages_of_an_end(void **state)
{
    static const struct {
        gint64 left;
        guint stage;
    } cases[] = {
        {30 * DAY + 1, 0}, {30 * DAY, 1}, {7 * DAY + 1, 1}, {7 * DAY, 2},    {DAY + 1, 2},
        {DAY, 3},          {1, 3},        {0, 4},           {-400 * DAY, 4},
    };
    g_autoptr(DmFacts) facts = make_facts(*state, "");

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *expected =
            cases[i].stage == 0 ? g_strdup("") : g_strdup_printf("client-certificate alpha %u", cases[i].stage);
        alpha(facts)->certificate_end = NOW + cases[i].left;
        assert_warned(facts, NOW, expected);
    }
    alpha(facts)->certificate_end = 0;
    dm_facts_tenant(facts, "gemeinde")->password_expires = NOW + 3 * DAY;
    assert_warned(facts, NOW, "password gemeinde 2");
}

static void test_what_has_passed_is_no_surprise(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");

    alpha(facts)->send_until = NOW + 5 * DAY;
    alpha(facts)->receive_until = NOW + 29 * DAY;
    assert_warned(facts, NOW, "receive-until alpha 1; send-until alpha 2");
    assert_warned(facts, NOW + 5 * DAY, "receive-until alpha 1");
    assert_warned(facts, NOW + 29 * DAY, "");
}

static void test_quota(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");
    DmTenantFacts *tenant = dm_facts_tenant(facts, "gemeinde");

    tenant->quota_total = 1000;
    tenant->quota_used = 900;
    assert_warned(facts, NOW, "");
    tenant->quota_used = 901;
    assert_warned(facts, NOW, "quota gemeinde 1");
    tenant->quota_used = 2000;
    assert_warned(facts, NOW, "quota gemeinde 1");
    tenant->quota_total = 0;
    assert_warned(facts, NOW, "");
}

static void test_poll(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");
    DmTenantFacts *tenant = dm_facts_tenant(facts, "gemeinde");

    assert_true(tenant->polled);
    tenant->polled_since = NOW;
    assert_warned(facts, NOW + 300, "");
    assert_warned(facts, NOW + 301, "poll gemeinde 1");
    tenant->last_poll = NOW + 200;
    assert_warned(facts, NOW + 301, "");
    tenant->poll_interval = 600;
    assert_warned(facts, NOW + 3200, "");
    assert_warned(facts, NOW + 3201, "poll gemeinde 1");
    tenant->polled = FALSE;
    assert_warned(facts, NOW + 3201, "");
}

static void test_tables(void **state)
{
    g_autofree char *source = g_strconcat(*state, "/logins", NULL);
    g_autofree char *compiled = g_strconcat(source, ".demail.lmdb", NULL);
    g_autofree char *expected = g_strconcat("table ", source, " 1", NULL);
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");
    const struct utimbuf old = {NOW - 10, NOW - 10};
    const struct utimbuf new = {NOW, NOW};

    g_free(gateway->config->sender_logins);
    gateway->config->sender_logins = g_strconcat("lmdb:", source, NULL);
    g_autoptr(DmFacts) missing = dm_facts_new(gateway->config, NOW);
    assert_warned(missing, NOW, expected);

    g_free(ts_write(*state, "logins", ""));
    g_free(ts_write(*state, "logins.demail.lmdb", ""));
    assert_int_equal(utime(source, &old), 0);
    assert_int_equal(utime(compiled, &new), 0);
    g_autoptr(DmFacts) good = dm_facts_new(gateway->config, NOW);
    assert_warned(good, NOW, "");

    assert_int_equal(utime(source, &new), 0);
    assert_int_equal(utime(compiled, &old), 0);
    g_autoptr(DmFacts) stale = dm_facts_new(gateway->config, NOW);
    assert_warned(stale, NOW, expected);
}

static void test_crl(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");
    DmCrlFacts *crl = g_new0(DmCrlFacts, 1);

    *crl = (DmCrlFacts){"/etc/demail/seal.crl.pem", NOW};
    g_ptr_array_add(facts->crls, crl);
    assert_warned(facts, NOW, "");
    assert_warned(facts, NOW + 1, "crl /etc/demail/seal.crl.pem 1");
}

static void test_facts_of_the_poller_are_kept(void **state)
{
    g_autoptr(DmFacts) facts = make_facts(*state, "");
    g_autoptr(DmFacts) loaded = make_facts(*state, "");
    DmTenantFacts *tenant = dm_facts_tenant(facts, "gemeinde");

    dm_facts_load(loaded); /* there is nothing yet */
    assert_int_equal(dm_facts_tenant(loaded, "gemeinde")->state, DM_PROVIDER_UNTRIED);

    tenant->state = DM_PROVIDER_DOWN;
    tenant->last_poll = NOW;
    tenant->quota_used = 5;
    tenant->quota_total = (gint64)1 << 40;
    tenant->password_expires = NOW + 1;
    assert_true(dm_facts_save(facts, NULL));
    dm_facts_load(loaded);
    const DmTenantFacts *back = dm_facts_tenant(loaded, "gemeinde");
    assert_int_equal(back->state, DM_PROVIDER_DOWN);
    assert_true(back->last_poll == NOW && back->quota_used == 5 && back->quota_total == (gint64)1 << 40);
    assert_true(back->password_expires == NOW + 1 && back->polled_since == 0);
    assert_int_equal(dm_facts_tenant(loaded, "amt")->state, DM_PROVIDER_UNTRIED);
}

static void test_gauges(void **state)
{
    static const char *const lines[] = {
        "\ndemail_provider_up{provider=\"alpha\",tenant=\"gemeinde\"} 0\n",
        "\ndemail_last_poll_timestamp_seconds{tenant=\"gemeinde\"} 1799999990\n",
        "\ndemail_unacknowledged_age_seconds{tenant=\"gemeinde\"} 60\n",
        "\ndemail_open_submission_age_seconds 0\n",
        "\ndemail_open_recipients{state=\"unknown\"} 0\n",
        "\ndemail_quota_bytes{tenant=\"gemeinde\"} 100\n",
        "\ndemail_quota_used_bytes{tenant=\"gemeinde\"} 95\n",
        "\ndemail_certificate_remaining_seconds{provider=\"alpha\"} -1\n",
        "\ndemail_send_remaining_seconds{provider=\"ended\"} ",
        "\ndemail_warning{kind=\"client-certificate\",subject=\"alpha\"} 1\n",
        "\ndemail_warning{kind=\"quota\",subject=\"gemeinde\"} 1\n",
    };
    g_autoptr(DmFacts) facts = make_facts(*state, "");
    DmTenantFacts *tenant = dm_facts_tenant(facts, "gemeinde");
    g_autoptr(GString) text = g_string_new(NULL);

    tenant->state = DM_PROVIDER_DOWN;
    tenant->last_poll = NOW - 10;
    tenant->unacknowledged = NOW - 60;
    tenant->quota_used = 95;
    tenant->quota_total = 100;
    alpha(facts)->certificate_end = NOW - 1;
    g_autoptr(GPtrArray) warnings = dm_warnings_find(facts, NOW);
    dm_gauges_append(text, facts, warnings, NOW);
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        if (strstr(text->str, lines[i]) == NULL)
            fail_msg("no%sin\n%s", lines[i], text->str);
    }
    assert_null(strstr(text->str, "{tenant=\"kreis\"} 1"));
    assert_null(strstr(text->str, "demail_password_remaining_seconds{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_to_warn_of, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_stages_of_an_end, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_what_has_passed_is_no_surprise, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_quota, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_poll, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_tables, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_crl, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_facts_of_the_poller_are_kept, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_gauges, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
