#include "ctl/check/postfix_rules.h"
#include "ctl/check/tables.h"
#include "tests/unit/support.h"

#include <string.h>

/* A healthy Postfix: what postconf, postconf -M and postconf -P print. */
static const char main_cf[] = "compatibility_level = 3.6\n"
                              "queue_directory = /var/spool/postfix\n"
                              "smtpd_milters = inet:127.0.0.1:8895\n"
                              "non_smtpd_milters = inet:127.0.0.1:8895\n"
                              "milter_default_action = tempfail\n"
                              "milter_protocol = 6\n"
                              "transport_maps = lmdb:/etc/demail/divert, lmdb:/etc/demail/demail_domains\n"
                              "demail_destination_recipient_limit = 10000\n"
                              "maximal_queue_lifetime = 5d\n"
                              "mynetworks = 192.0.2.0/24\n"
                              "mydestination = example.org\n";

static const char master_cf[] = "smtp       inet  n       -       y       -       -       smtpd\n"
                                "submission inet  n       -       -       -       -       smtpd\n"
                                "127.0.0.1:10025 inet n  -       n       -       -       smtpd\n"
                                "pickup     unix  n       -       y       60      1       pickup\n"
                                "cleanup    unix  n       -       y       -       0       cleanup\n"
                                "demail     unix  -       -       n       -       -       lmtp\n";

static const char overrides[] = "submission/inet/smtpd_sasl_auth_enable = yes\n"
                                "127.0.0.1:10025/inet/smtpd_milters =\n"
                                "127.0.0.1:10025/inet/mynetworks = 127.0.0.0/8\n"
                                "127.0.0.1:10025/inet/smtpd_client_restrictions = permit_mynetworks,reject\n"
                                "127.0.0.1:10025/inet/smtpd_relay_restrictions = reject_unauth_destination\n"
                                "demail/unix/lmtp_line_length_limit = 0\n";

static char *domains[] = {(char *)"de-mail.de", (char *)".de-mail.de", NULL};

static const char *config_file = "/etc/demail/demail.conf";

/* The codes of all findings, one blank behind each; *command (may be NULL) gets those of the commands, by lines. `note`
 * (may be NULL) is a table and a key for which it leads elsewhere. */
static char *judge_with(const char *extra_main, const char *extra_overrides, const char *socket,
                        const char *const *note, char **command)
{
    g_autofree char *settings = g_strconcat(main_cf, extra_main, NULL);
    g_autofree char *services = g_strconcat(overrides, extra_overrides, NULL);
    g_autoptr(DmPostfix) postfix = dm_postfix_parse("/etc/pf x", settings, settings, master_cf, services);
    DmConfig config = {.file = (char *)config_file,
                       .divert_domain = (char *)"demail.invalid",
                       .stamp_max_age = 7 * 86400,
                       .demail_domains = (char *)"lmdb:/etc/demail/demail_domains"};
    config.milter.socket = (char *)(socket != NULL ? socket : "inet:8895@127.0.0.1");
    config.poller.lmtp = (char *)"unix:/run/demail/lmtp.sock";
    config.poller.inject = (char *)"smtp://127.0.0.1:10025";
    g_autoptr(GPtrArray) findings = dm_check_findings_new();
    DmRules rules = {.postfix = postfix, .config = &config, .domains = domains, .findings = findings};
    GString *codes = g_string_new(NULL);
    g_autoptr(GString) commands = g_string_new(NULL);

    dm_postfix_note(postfix, "lmdb:/etc/demail/divert", ".demail.invalid", "demail:unix:/run/demail/lmtp.sock");
    dm_postfix_note(postfix, "lmdb:/etc/demail/demail_domains", "de-mail.de", "demail:unix:/run/demail/lmtp.sock");
    dm_postfix_note(postfix, "lmdb:/etc/demail/demail_domains", ".de-mail.de", "demail:unix:/run/demail/lmtp.sock");
    if (note != NULL)
        dm_postfix_note(postfix, note[0], note[1], "smtp:[192.0.2.9]");
    dm_rules_postfix(&rules);
    for (guint i = 0; i < findings->len; i++) {
        const DmCheckFinding *finding = g_ptr_array_index(findings, i);
        g_string_append_printf(codes, "%s ", finding->code);
        g_string_append_printf(commands, "%s\n", finding->command);
    }
    if (command != NULL)
        *command = g_strdup(commands->str);
    return g_string_free(codes, FALSE);
}

static char *judge(const char *extra_main, const char *extra_overrides, const char *socket, char **command)
{
    return judge_with(extra_main, extra_overrides, socket, NULL, command);
}

static void test_rules(void **state)
{
    static const struct {
        const char *settings;
        const char *overrides;
        const char *codes;
    } cases[] = {
        {"", "", ""},
        {"smtpd_milters = inet:localhost:8895\n", "", ""},
        {"smtpd_milters = { inet:127.0.0.1:8895, connect_timeout=3s, default_action=tempfail }\n", "", ""},
        {"smtpd_milters = inet:127.0.0.1:8891, inet:127.0.0.1:8895\n", "", ""},
        {"smtpd_milters = inet:127.0.0.1:8891\n", "", "postfix.smtpd-without-milter "},
        {"smtpd_milters = inet:192.0.2.1:8895\n", "", "postfix.smtpd-without-milter "},
        {"smtpd_milters = { inet:127.0.0.1:8895, default_action=accept }\n", "", "postfix.milter-default-action "},
        {"milter_default_action = quarantine\n", "", "postfix.milter-default-action "},
        {"milter_default_action = shutdown\n", "", ""},
        {"", "submission/inet/smtpd_milters = \n", "postfix.smtpd-without-milter "},
        {"", "submission/inet/receive_override_options = no_milters\n", "postfix.no-milters "},
        {"", "pickup/unix/receive_override_options = no_header_body_checks, no_milters\n", "postfix.no-milters "},
        {"", "cleanup/unix/non_smtpd_milters = \n", "postfix.non-smtpd-without-milter "},
        {"smtpd_recipient_restrictions = permit_mynetworks, reject_unknown_recipient_domain\n", "",
         "postfix.restriction-refuses-demail "},
        {"smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, "
         "reject_unknown_recipient_domain\n",
         "", ""},
        {"", "submission/inet/smtpd_recipient_restrictions = permit_sasl_authenticated,reject_unverified_recipient\n",
         ""},
        {"maximal_queue_lifetime = 168h\n", "", ""},
        {"maximal_queue_lifetime = 8d\n", "", "postfix.queue-lifetime "},
        {"mydestination = localhost, X.DE-mail.de\n", "", "postfix.demail-domain-local "},
        {"transport_maps = lmdb:/etc/demail/demail_domains\n", "", "postfix.divert-route "},
        {"transport_maps = lmdb:/etc/demail/divert\n", "", "postfix.barrier "},
        {"content_filter = smtp:[127.0.0.1]:10024\n", "", "postfix.inject-filtered "},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *codes = judge(cases[i].settings, cases[i].overrides, NULL, NULL);
        if (!g_str_equal(codes, cases[i].codes))
            fail_msg("%s%s: %s", cases[i].settings, cases[i].overrides, codes);
    }
}

/* Each command builds on those before it, and is quoted for a shell. */
static void test_commands(void **state)
{
    g_autofree char *commands = NULL;
    g_autofree char *codes = judge("smtpd_milters = inet:127.0.0.1:1\nmilter_default_action = accept\n",
                                   "submission/inet/smtpd_milters = \n", NULL, &commands);

    (void)state;
    assert_string_equal(codes, "postfix.smtpd-without-milter postfix.milter-default-action "
                               "postfix.smtpd-without-milter ");
    assert_string_equal(commands, "postconf -c '/etc/pf x' -e 'smtpd_milters = inet:127.0.0.1:1, inet:127.0.0.1:8895'\n"
                                  "postconf -c '/etc/pf x' -e 'milter_default_action = tempfail'\n"
                                  "postconf -c '/etc/pf x' -PX submission/inet/smtpd_milters\n");
}

/* A Unix socket is looked for below the queue directory by a chrooted service. */
static void test_chroot(void **state)
{
    static const char unix_milters[] = "smtpd_milters = unix:/run/demail-milter/sock\n"
                                       "non_smtpd_milters = unix:/run/demail-milter/sock\n";
    g_autofree char *commands = NULL;
    g_autofree char *codes = judge(unix_milters, "", "unix:/run/demail-milter/sock", &commands);
    g_autofree char *inside =
        judge("smtpd_milters = unix:demail/sock\nnon_smtpd_milters = unix:/demail/sock\n",
              "submission/inet/smtpd_milters = unix:demail/sock\n", "unix:/var/spool/postfix/demail/sock", NULL);

    (void)state;
    assert_string_equal(codes, "postfix.milter-chroot postfix.milter-chroot ");
    assert_string_equal(commands, "postconf -c '/etc/pf x' -F smtp/inet/chroot=n\n"
                                  "postconf -c '/etc/pf x' -F cleanup/unix/chroot=n\n");
    assert_string_equal(inside, "");
}

/* What is no table of lines is opened, or gets a table before it, and is never written to. */
static void test_foreign_tables(void **state)
{
    static const struct {
        const char *table;
        const char *key;
        const char *begin;
        const char *end;
    } cases[] = {
        {"pcre:/etc/pf/transport", "demail-check@muster.de-mail.de.demail.invalid",
         "\"${EDITOR:-vi}\" /etc/pf/transport && postfix -c '/etc/pf x' reload\n", ""},
        {"ldap:/etc/pf/ldap.cf", ".demail.invalid", "touch /etc/demail/divert && ",
         " && postconf -c '/etc/pf x' -e 'transport_maps = lmdb:/etc/demail/divert, ldap:/etc/pf/ldap.cf, "
         "lmdb:/etc/demail/demail_domains'\n"},
        {"hash:/etc/pf/transport", ".demail.invalid", "touch /etc/pf/transport && ",
         " && postmap -c '/etc/pf x' hash:/etc/pf/transport\n"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *note[] = {cases[i].table, cases[i].key};
        g_autofree char *settings =
            g_strdup_printf("transport_maps = %s, lmdb:/etc/demail/divert, lmdb:/etc/demail/demail_domains\n", note[0]);
        g_autofree char *commands = NULL;
        g_autofree char *codes = judge_with(settings, "", NULL, note, &commands);

        assert_string_equal(codes, "postfix.divert-route ");
        if (!g_str_has_prefix(commands, cases[i].begin) || !g_str_has_suffix(commands, cases[i].end))
            fail_msg("%s: %s", cases[i].table, commands);
        assert_null(strstr(commands, ">>/etc/pf/ldap.cf"));
    }
}

/* A configuration that was named without its folder. */
static void test_relative_configuration(void **state)
{
    g_autofree char *commands = NULL;
    g_autofree char *codes = NULL;

    (void)state;
    config_file = "demail.conf";
    codes = judge("transport_maps =\n", "", NULL, &commands);
    config_file = "/etc/demail/demail.conf";
    assert_string_equal(codes, "postfix.divert-route postfix.barrier ");
    assert_non_null(strstr(commands, "touch /"));
    assert_null(strstr(commands, "touch ./"));
}

static void test_errors_first(void **state)
{
    static const struct {
        const char *problem;
        DmCheckSeverity severity;
    } found[] = {{"b", DM_CHECK_WARNING}, {"a", DM_CHECK_ERROR}, {"d", DM_CHECK_WARNING}, {"c", DM_CHECK_ERROR}};
    g_autoptr(GPtrArray) findings = dm_check_findings_new();
    g_autoptr(GString) order = g_string_new(NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(found); i++)
        dm_check_findings_add(findings, (DmCheckFinding){.code = "x",
                                                         .severity = found[i].severity,
                                                         .problem = g_strdup(found[i].problem),
                                                         .why = "",
                                                         .command = g_strdup("")});
    g_autoptr(GPtrArray) sorted = dm_check_findings_by_weight(findings);
    for (guint i = 0; i < sorted->len; i++)
        g_string_append(order, ((const DmCheckFinding *)g_ptr_array_index(sorted, i))->problem);
    assert_string_equal(order->str, "acbd");
}

static void test_words(void **state)
{
    g_autofree char *quoted = dm_shell_command("a", "b c", "d'e", "", "$x", NULL);
    g_auto(GStrv) list = dm_postfix_list(" a, { b c, d=e } ,f\tg ");
    g_autofree char *joined = g_strjoinv("|", list);

    (void)state;
    assert_string_equal(quoted, "a 'b c' 'd'\\''e' '' '$x'");
    assert_string_equal(joined, "a|{ b c, d=e }|f|g");
}

/* A problem may quote what others have written; in a script it is a comment. */
static void test_problem_is_one_plain_line(void **state)
{
    g_autoptr(GPtrArray) findings = dm_check_findings_new();

    (void)state;
    dm_check_findings_add(findings, (DmCheckFinding){.code = "a.b",
                                                     .problem = g_strdup("key x\nrm -r /\033]0;y\007\xff"),
                                                     .why = "",
                                                     .command = g_strdup("true")});
    const DmCheckFinding *finding = g_ptr_array_index(findings, 0);
    assert_string_equal(finding->problem, "key x rm -r / ]0;y \xef\xbf\xbd");
}

/* To vi(1), "/a/|!id" is a pattern and an order. */
static void test_editor_gets_no_orders(void **state)
{
    g_autofree char *plain = dm_check_edit_command("lmdb:/etc/demail/s x", "max@gemeinde.example");
    g_autofree char *order = dm_check_edit_command("texthash:/etc/demail/senders", "a/|!id");

    (void)state;
    assert_string_equal(plain, "\"${EDITOR:-vi}\" +/^max@gemeinde.example '/etc/demail/s x' && "
                               "demailctl postmap '/etc/demail/s x'");
    assert_string_equal(order, "\"${EDITOR:-vi}\" /etc/demail/senders");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_chroot),
        cmocka_unit_test(test_foreign_tables),
        cmocka_unit_test(test_relative_configuration),
        cmocka_unit_test(test_errors_first),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_problem_is_one_plain_line),
        cmocka_unit_test(test_editor_gets_no_orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
