#include "common/domains.h"
#include "common/policy.h"
#include "common/postmap.h"
#include "tests/unit/support.h"

#include <string.h>
#include <unistd.h>

#define LIST                                                                                                           \
    "alpha.example active\n.alpha.example active\n"                                                                    \
    "gone.example inactive\n.gone.example inactive\n"                                                                  \
    "back.gone.example active\n.back.gone.example active\n"                                                            \
    "gone.de-mail.de inactive\n.gone.de-mail.de inactive\n"                                                            \
    "kept.de-mail.de inactive\n.kept.de-mail.de inactive\n"                                                            \
    "excluded.example active\n.excluded.example active\n"                                                              \
    "below.excluded.example active\n.below.excluded.example active\n"

#define TABLE                                                                                                          \
    "de-mail.de x\n.de-mail.de x\nkept.de-mail.de x\n.kept.de-mail.de x\nexcluded.example no\n.excluded.example no\n"

static DmTable *open_text(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = ts_write(folder, name, text);
    g_autofree char *spec = g_strconcat("texthash:", path, NULL);
    DmTable *table = dm_table_open(spec, DM_TABLE_DEFAULT, NULL);

    assert_non_null(table);
    return table;
}

static void test_judge(void **state)
{
    static const struct {
        const char *domain;
        DmDomainKind with_list;
        DmDomainKind without;
        const char *entry;
    } cases[] = {
        {"alpha.example", DM_DOMAIN_DEMAIL, DM_DOMAIN_EMAIL, "trust list entry alpha.example, active"},
        {"amt.alpha.example", DM_DOMAIN_DEMAIL, DM_DOMAIN_EMAIL, "trust list entry .alpha.example, active"},
        {"xalpha.example", DM_DOMAIN_EMAIL, DM_DOMAIN_EMAIL, NULL},
        {"example", DM_DOMAIN_EMAIL, DM_DOMAIN_EMAIL, NULL},
        {"gone.example", DM_DOMAIN_INACTIVE, DM_DOMAIN_EMAIL, "trust list entry gone.example, inactive"},
        {"x.gone.example", DM_DOMAIN_INACTIVE, DM_DOMAIN_EMAIL, "trust list entry .gone.example, inactive"},
        {"x.back.gone.example", DM_DOMAIN_DEMAIL, DM_DOMAIN_EMAIL, "trust list entry .back.gone.example, active"},
        {"a.de-mail.de", DM_DOMAIN_DEMAIL, DM_DOMAIN_DEMAIL, "demail_domains entry .de-mail.de"},
        {"gone.de-mail.de", DM_DOMAIN_INACTIVE, DM_DOMAIN_DEMAIL, "trust list entry gone.de-mail.de, inactive"},
        {"x.gone.de-mail.de", DM_DOMAIN_INACTIVE, DM_DOMAIN_DEMAIL, "trust list entry .gone.de-mail.de, inactive"},
        {"kept.de-mail.de", DM_DOMAIN_DEMAIL, DM_DOMAIN_DEMAIL, "demail_domains entry kept.de-mail.de"},
        {"x.kept.de-mail.de", DM_DOMAIN_DEMAIL, DM_DOMAIN_DEMAIL, "demail_domains entry .kept.de-mail.de"},
        {"excluded.example", DM_DOMAIN_EMAIL, DM_DOMAIN_EMAIL, "demail_domains entry excluded.example"},
        {"below.excluded.example", DM_DOMAIN_EMAIL, DM_DOMAIN_EMAIL, "demail_domains entry .excluded.example"},
        {"x.excluded.example", DM_DOMAIN_EMAIL, DM_DOMAIN_EMAIL, "demail_domains entry .excluded.example"},
    };
    g_autoptr(DmTable) table = open_text(*state, "domains", TABLE);
    g_autoptr(DmTable) list = open_text(*state, "list", LIST);
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");
    const DmConfig *config = gateway->config;
    g_auto(DmDomains) both = {NULL, NULL, NULL};
    g_auto(DmDomains) alone = {NULL, NULL, NULL};

    assert_true(dm_domains_read(&both, table, list, config, NULL));
    assert_true(dm_domains_read(&alone, table, NULL, config, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *entry = NULL;
        DmDomainKind kind = DM_DOMAIN_EMAIL;
        assert_true(dm_domains_judge(&both, cases[i].domain, &kind, &entry, NULL));
        assert_int_equal(kind, cases[i].with_list);
        assert_int_equal(g_strcmp0(entry, cases[i].entry), 0);
        assert_true(dm_domains_judge(&alone, cases[i].domain, &kind, NULL, NULL));
        assert_int_equal(kind, cases[i].without);
    }
}

static DmGateway *gateway_with_list(const char *folder)
{
    return ts_gateway(folder, "trust_list_url = https://127.0.0.1/list.xml\ntrust_list_signer = /nowhere.pem\n");
}

static void write_list(const char *folder, const char *text)
{
    g_autofree char *path = ts_write(folder, DM_TRUST_LIST_NAME, text);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    assert_true(dm_postmap_compile(path, FALSE, NULL, problems, NULL));
    assert_int_equal(problems->len, 0);
}

static void decide(const DmGateway *gateway, const char *recipient, DmVerdict *verdict)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    const DmRequestRecipient recipients[] = {{recipient, NULL, NULL}};
    const DmRequest request = {.client_address = "127.0.0.1",
                               .sender = "max@gemeinde.example",
                               .recipients = recipients,
                               .n_recipients = 1,
                               .headers = headers,
                               .gateway_id = "00112233445566778899aabbccddeeff",
                               .now = 1784116800};

    assert_true(dm_headers_append(headers, "From", " max@gemeinde.example", NULL));
    dm_policy_decide(gateway, &request, verdict);
}

/* The list's table comes, changes and goes under a running gateway. */
static void test_gateway(void **state)
{
    g_autoptr(DmGateway) gateway = gateway_with_list(*state);
    g_autofree char *file = g_build_filename(*state, DM_TRUST_LIST_NAME DM_POSTMAP_SUFFIX, NULL);
    static const DmVerdictKind kinds[] = {DM_VERDICT_ORDINARY, DM_VERDICT_DEMAIL, DM_VERDICT_REFUSE, DM_VERDICT_REFUSE};
    static const char *const lists[] = {NULL, "new.example active\n", "new.example inactive\n", NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        DmVerdict verdict;
        if (lists[i] != NULL)
            write_list(*state, lists[i]);
        if (i == 3)
            assert_int_equal(unlink(file), 0);
        decide(gateway, "<a@new.example>", &verdict);
        assert_int_equal(verdict.kind, kinds[i]);
        if (verdict.kind == DM_VERDICT_REFUSE) {
            assert_int_equal(verdict.refusal, DM_REFUSAL_INACTIVE);
            assert_non_null(strstr(verdict.text, "a@new.example: this domain's provider no longer offers De-Mail"));
        }
        dm_verdict_clear(&verdict);
    }
}

/* An own mailbox at a provider that is not active is still an own mailbox; but nothing can be sent from there. */
static void test_own_domain(void **state)
{
    DmVerdict verdict;

    write_list(*state, "gemeinde.de-mail.de inactive\n");
    g_autoptr(DmGateway) gateway = gateway_with_list(*state);
    decide(gateway, "<erna@gemeinde.de-mail.de>", &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_ORDINARY);
    assert_int_equal(verdict.routes[0].kind, DM_ROUTE_LOCAL);
    dm_verdict_clear(&verdict);
    decide(gateway, "<erna@muster.de-mail.de>", &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_REFUSE);
    assert_int_equal(verdict.refusal, DM_REFUSAL_INACTIVE);
    assert_non_null(strstr(verdict.text, "max@gemeinde.de-mail.de: "));
    dm_verdict_clear(&verdict);
}

/* A list that names a tenant's own e-mail domain does not cut off the mail that comes in. */
static void test_own_email_domain(void **state)
{
    static const char *const lists[] = {"gemeinde.example active\n.gemeinde.example active\n",
                                        "gemeinde.example inactive\n.gemeinde.example inactive\n"};
    g_autoptr(DmGateway) gateway = gateway_with_list(*state);

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        DmVerdict verdict;
        write_list(*state, lists[i]);
        decide(gateway, "<erna@Gemeinde.example>", &verdict);
        assert_int_equal(verdict.kind, DM_VERDICT_ORDINARY);
        assert_int_equal(verdict.routes[0].kind, DM_ROUTE_KEEP);
        dm_verdict_clear(&verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_judge, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_gateway, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_own_domain, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_own_email_domain, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
