#include "common/config.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/secret.h"
#include "tests/unit/support.h"

#include <string.h>
#include <sys/stat.h>

#define GOOD                                                                                                           \
    "[provider p]\ndriver=rest\nurl=https://h\nclient_cert=/c\nclient_key=/k\npassword_file=/p\n"                      \
    "[tenant t]\nprovider=p\naccount=a\nemail_domains=X.example;y.example\ndemail_domains=x.de-mail.de\n"              \
    "senders=lmdb:/s\ncatch_all=a@x.example\nbounce_address=b@x.example\n"

static DmConfig *load(const char *folder, const char *text, GPtrArray *problems)
{
    g_autofree char *path = ts_write(folder, "demail.conf", text);

    return dm_config_load(path, problems);
}

static void test_defaults(void **state)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmConfig) config = load(*state, GOOD, problems);

    assert_non_null(config);
    assert_string_equal(config->divert_domain, "demail.invalid");
    assert_int_equal(config->stamp_max_age, 7 * 86400);
    assert_string_equal(config->milter.socket, "inet:8895@127.0.0.1");
    assert_int_equal(config->milter.socket_mode, 0660);
    assert_int_equal(config->mixed_addressing, DM_MIXED_REJECT);
    assert_int_equal(config->mixed_addressing_scope, DM_MIXED_SCOPE_HEADERS);
    assert_true(dm_networks_contain(config->trusted_clients, "127.9.9.9"));
    assert_true(dm_networks_contain(config->trusted_clients, "::1"));
    assert_false(dm_networks_contain(config->trusted_clients, "192.0.2.1"));
    assert_false(dm_networks_contain(config->trusted_clients, "127.0.0.1.evil"));
    const DmTenantConfig *tenant = dm_config_tenant_by_email_domain(config, "x.EXAMPLE");
    assert_non_null(tenant);
    assert_ptr_equal(tenant, dm_config_tenant_by_demail_domain(config, "x.de-mail.de"));
    assert_null(dm_config_tenant_by_email_domain(config, "sub.x.example"));
    assert_ptr_equal(tenant->provider, g_ptr_array_index(config->providers, 0));
    assert_int_equal(tenant->provider->poll_interval, 60);
    assert_true(tenant->poll);
}

static void test_milter_sockets(void **state)
{
    static const char *const cases[][2] = {
        {"inet:8895@127.0.0.1", "inet:8895@127.0.0.1"}, {"inet:127.0.0.1:8895", "inet:8895@127.0.0.1"},
        {"inet6:8895@::1", "inet6:8895@::1"},           {"inet6:::1:8895", "inet6:8895@::1"},
        {"local:/run/m.sock", "unix:/run/m.sock"},      {"unix:/run/m.sock", "unix:/run/m.sock"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *text = g_strdup_printf("[milter]\nsocket=%s\n" GOOD, cases[i][0]);
        g_autoptr(DmConfig) config = load(*state, text, problems);
        assert_non_null(config);
        assert_string_equal(config->milter.socket, cases[i][1]);
    }
}

/* Each text is one mistake; the one problem names what `want` says. */
static void test_mistakes(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"[gateway]\nlangauge=de\n" GOOD, "[gateway] langauge: unknown key; did you mean \"language\"?"},
        {"[gatway]\n" GOOD, "[gatway]: unknown group; did you mean \"[gateway]\"?"},
        {"[tenant]\n" GOOD, "[tenant]: unknown group; did you mean \"[tenant NAME]\"?"},
        {"[gateway]\nlanguage=fr\n" GOOD, "[gateway] language: \"fr\" is not valid; choose one of en, de"},
        {"[gateway]\nstamp_max_age=7\n" GOOD, "stamp_max_age: \"7\" is not valid; write a number with a unit"},
        {"[gateway]\nstamp_max_age=1s\n" GOOD, "stamp_max_age: 1s is out of range"},
        {"[gateway]\ntrusted_clients=10.0.0.1/8\n" GOOD, "trusted_clients: \"10.0.0.1/8\" is no network"},
        {"[gateway]\nstamp_key_file=stamp.key\n" GOOD, "stamp_key_file: \"stamp.key\" is not valid; write an absolute"},
        {"[milter]\nsocket_mode=0999\n" GOOD, "socket_mode: \"0999\" is not valid; write an octal mode"},
        {"[milter]\nsocket=/run/m.sock\n" GOOD, "[milter] socket: \"/run/m.sock\" is not valid"},
        {"[poller]\nmax_connections=0\n" GOOD, "max_connections: \"0\" is not valid; write a number from 1"},
        {"[poller]\ninject=127.0.0.1:25\n" GOOD, "inject: \"127.0.0.1:25\" is not valid; write smtp://HOST:PORT"},
        {GOOD "poll=maybe\n", "[tenant t] poll: \"maybe\" is not valid; write yes or no"},
        {GOOD "provider=q\n", "[tenant t] provider: there is no group [provider q]"},
        {GOOD "[tenant u]\nprovider=p\naccount=a\nemail_domains=x.example\ndemail_domains=u.de-mail.de\n"
              "senders=lmdb:/s\ncatch_all=a@x.example\nbounce_address=b@x.example\n",
         "[tenant u] email_domains: x.example belongs to [tenant t] already"},
        {GOOD
         "archive_dir=/a/b\n[tenant u]\nprovider=p\naccount=a\nemail_domains=u.example\ndemail_domains=u.de-mail.de\n"
         "senders=lmdb:/s\ncatch_all=a@x.example\nbounce_address=b@x.example\narchive_dir=/a//c/../b/\n",
         "[tenant u] archive_dir: /a//c/../b/ belongs to [tenant t] already"},
        {"[gateway]\ndivert_domain=de-mail.de\n" GOOD, "x.de-mail.de lies in divert_domain de-mail.de"},
        {"[gateway]\ntoken_private=VB\n" GOOD, "[gateway] token_dispatch: \"VB\" means another option already"},
        {"[gateway]\ntoken_private=Dispatch\n" GOOD, "[gateway] token_private: \"Dispatch\" means another option"},
        {"[gateway]\ntoken_private=P,Q\n" GOOD, "token_private: \"P,Q\" is not valid; write a word"},
        {"[gateway]\ntoken_private=\n" GOOD, "token_private: has no value"},
        {"[provider p]\ndriver=rest\n", "password_file: is missing"},
        {"[gateway]\n", "there is no tenant"},
        {GOOD "[tenant a b]\n", "the name \"a b\" is not valid"},
        {GOOD GOOD, "[tenant t]: stands there twice"},
        {"[poller]\nlmtp=inet:127.0.0.1:99999\n" GOOD, "lmtp: \"inet:127.0.0.1:99999\" is not valid"},
        {"[milter]\nsocket=inet:abc@127.0.0.1\n" GOOD, "socket: \"inet:abc@127.0.0.1\" is not valid"},
        {"[poller]\ninject=smtp:25\n" GOOD, "inject: \"smtp:25\" is not valid; write smtp://HOST:PORT"},
        {"[gateway]\ntrusted_clients=::/129\n" GOOD, "trusted_clients: \"::/129\" is no network"},
        {"[poller]\ninject=smtp://127.0.0.1:99999\n" GOOD, "inject: \"smtp://127.0.0.1:99999\" is not valid"},
        {"[gateway]\ntrust_list_url=http://h/l.xml\ntrust_list_signer=/s\n" GOOD,
         "[gateway] trust_list_url: \"http://h/l.xml\" is not valid; write an https:// URL, or file:///PATH"},
        {"[gateway]\ntrust_list_url=file://h/l.xml\ntrust_list_signer=/s\n" GOOD,
         "is not valid; write an https:// URL"},
        {"[gateway]\ntrust_list_url=https://h/l.xml\n" GOOD, "[gateway] trust_list_signer: is missing; name"},
        {"[gateway]\ntrust_list_signer=/s\n" GOOD, "[gateway] trust_list_signer: has no trust_list_url; add it"},
        {"[gateway]\ntrust_list_ca_file=/ca\n" GOOD, "[gateway] trust_list_ca_file: is only for a trust_list_url"},
        {"[gateway]\ntrust_anchors=/a;b\n" GOOD, "[gateway] trust_anchors: \"b\" is not valid; write an absolute"},
        {"[gateway]\nkeep_days=89\n" GOOD, "[gateway] keep_days: \"89\" is not valid; write a number from 90 to 36500"},
        {"[gateway]\nkeep_days=90\nstamp_max_age=91d\n" GOOD, "[gateway] keep_days: 90 days are less than stamp_max"},
        {"language=de\n", "Key file does not start with a group"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(DmConfig) config = load(*state, cases[i].text, problems);
        gboolean seen = FALSE;
        assert_null(config);
        for (guint n = 0; n < problems->len; n++) {
            const char *problem = g_ptr_array_index(problems, n);
            assert_non_null(strstr(problem, "demail.conf: "));
            assert_null(strchr(problem, '\n'));
            seen = seen || strstr(problem, cases[i].want) != NULL;
        }
        if (!seen)
            fail_msg("want \"%s\", got %u problems, the first \"%s\"", cases[i].want, problems->len,
                     (const char *)g_ptr_array_index(problems, 0));
    }
}

static void test_all_problems(void **state)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    assert_null(load(*state, "[gateway]\nlanguage=fr\nkeep_days=x\n[milter]\nsokket=y\n" GOOD, problems));
    assert_int_equal(problems->len, 3);
}

static void test_missing_file(void **state)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    (void)state;
    assert_null(dm_config_load("/nowhere/demail.conf", problems));
    assert_int_equal(problems->len, 1);
    assert_non_null(strstr(g_ptr_array_index(problems, 0), "/nowhere/demail.conf"));
}

static void test_secret(void **state)
{
    g_autofree char *path = ts_write(*state, "secret", "geheim\n");
    g_autofree char *empty = ts_write(*state, "empty", "\n");
    g_autoptr(GError) open_to_all = NULL;
    g_autoptr(GError) nothing = NULL;
    g_autoptr(GError) missing = NULL;
    gsize length = 0;

    char *secret = dm_secret_read(path, "password_file", &length, NULL);
    assert_string_equal(secret, "geheim");
    assert_int_equal(length, 6);
    dm_secret_free(secret, length);
    assert_null(dm_secret_read(empty, "password_file", NULL, &nothing));
    assert_int_equal(nothing->code, DM_ERROR_CONFIG);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(dm_secret_check(path, "password_file", &open_to_all));
    assert_int_equal(open_to_all->code, DM_ERROR_NOPERM);
    assert_non_null(strstr(open_to_all->message, "chmod 0640"));
    assert_false(dm_secret_check("/nowhere", "client_key", &missing));
    assert_int_equal(missing->code, DM_ERROR_NOINPUT);
}

static void test_log_line(void **state)
{
    const DmLogField fields[] = {
        DM_S("qid", "4Q"),       DM_S("none", NULL),  DM_N("n", -3),     DM_S("text", "a \"b\""),
        DM_S("bytes", "\xff\n"), DM_S("utf8", "für"), DM_S("empty", ""), {0}};
    g_autofree char *line = dm_log_format("test", fields);

    (void)state;
    assert_string_equal(line,
                        "event=test qid=4Q n=-3 text=\"a \\\"b\\\"\" bytes=\"\\xff\\u000a\" utf8=\"für\" empty=\"\"");
}

static void test_nearest(void **state)
{
    static const char *const names[] = {"language", "state_dir", "keep_days", NULL};

    (void)state;
    assert_string_equal(dm_nearest("statedir", names), "state_dir");
    assert_string_equal(dm_nearest("LANGUAGE", names), "language");
    assert_non_null(dm_nearest("", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_milter_sockets, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_all_problems, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test_setup_teardown(test_secret, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_log_line),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
