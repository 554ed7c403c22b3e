#include "common/gateway.h"
#include "common/program.h"
#include "ctl/check/files.h"
#include "ctl/check/finding.h"
#include "ctl/check/login.h"
#include "ctl/check/mta.h"
#include "ctl/check/tables.h"
#include "ctl/check_trust.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct {
    const DmCtl *ctl;
    GPtrArray *findings;
    GPtrArray *remarks; /* of char *; what is no problem, but ought to be known */
    DmTrustList *list;
    DmMta mta;
    gboolean no_mta;
    gboolean no_login;
} Check;

/* Lines (char *) about the configuration, which name file, key and remedy. */
static void add_problems(const Check *check, const GPtrArray *problems, const char *code, const char *why)
{
    static const char remedy[] = "; run: ";
    g_autofree char *file = dm_shell_word(check->ctl->config_file);

    for (guint i = 0; i < problems->len; i++) {
        const char *problem = g_ptr_array_index(problems, i);
        const char *own = strstr(problem, remedy);
        dm_check_findings_add(check->findings,
                              (DmCheckFinding){.code = code,
                                               .severity = DM_CHECK_ERROR,
                                               .problem = g_strdup(problem),
                                               .why = why,
                                               .command = own != NULL ? g_strdup(own + strlen(remedy))
                                                                      : g_strdup_printf("\"${EDITOR:-vi}\" %s", file)});
    }
}

static void check_trust(Check *check, const DmConfig *config)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    check->list = dm_check_trust(config, problems, check->remarks);
    add_problems(check, problems, "trust", "received De-Mail, or the list of providers, can't be verified");
}

static void check_rights(const Check *check)
{
    g_autofree char *file = g_canonicalize_filename(check->ctl->config_file, NULL);

    if (geteuid() != 0)
        dm_check_findings_add(
            check->findings,
            (DmCheckFinding){.code = "check.not-root",
                             .severity = DM_CHECK_WARNING,
                             .problem = g_strdup("not started by root"),
                             .why = "keys, passwords and the login at the providers were not looked at",
                             .command = dm_shell_command("sudo", "demailctl", "-c", file, "check", NULL)});
}

/* What follows reads what the poller has fetched, and speaks with providers: not as root, but as demail-poller does it.
 * FALSE: it can't be done so. */
static gboolean become_poller(const Check *check, const DmConfig *config)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = dm_shell_word(config->file);

    if (dm_program_drop_privileges(config->poller.user, config->poller.group, &error))
        return TRUE;
    if (!g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE)) /* that the user is missing has been found */
        dm_check_findings_add(
            check->findings,
            (DmCheckFinding){.code = "user.unusable",
                             .severity = DM_CHECK_ERROR,
                             .problem = g_strdup_printf("%s: [poller]: %s", config->file, error->message),
                             .why = "demail-poller does not start; the list of providers and the "
                                    "logins were not looked at",
                             .command = g_strdup_printf("\"${EDITOR:-vi}\" %s", file)});
    return FALSE;
}

/* What can be looked at beyond the tables, also where these are broken. */
static void check_rest(Check *check, const DmConfig *config, char **domains)
{
    gboolean log_in = !check->no_login && geteuid() == 0;
    gint64 largest = 0;

    if (!check->no_mta)
        dm_check_mta(&check->mta, config, domains, check->findings);
    dm_check_sockets(config, &check->mta, check->findings);
    if (become_poller(check, config)) {
        check_trust(check, config);
        if (log_in)
            largest = dm_check_logins(config, check->findings);
    }
    dm_check_size(&check->mta, largest, check->findings);
}

/* What has Postfix read its settings. g_free(). */
static char *reload_command(const Check *check)
{
    const char *folder = check->mta.postfix_config;

    return folder != NULL ? dm_shell_command("postfix", "-c", folder, "reload", NULL) : g_strdup("postfix reload");
}

static void print_text(const Check *check)
{
    g_autofree char *reload = reload_command(check);
    g_autoptr(GPtrArray) findings = dm_check_findings_by_weight(check->findings);

    for (guint i = 0; i < findings->len; i++) {
        const DmCheckFinding *finding = g_ptr_array_index(findings, i);
        g_autofree char *exact = dm_check_command(finding, reload);
        g_autofree char *command = dm_output_plain(exact);
        fprintf(stderr, "%s: %s %s: %s\n    why: %s\n    run: %s\n", DM_CTL_NAME,
                finding->severity == DM_CHECK_ERROR ? "error" : "warning", finding->code, finding->problem,
                finding->why, command);
    }
    for (guint i = 0; i < check->remarks->len; i++)
        printf("%s\n", (const char *)g_ptr_array_index(check->remarks, i));
    if (check->list != NULL) {
        g_autofree char *text = dm_check_trust_text(check->list);
        printf("%s\n", text);
    }
    if (check->findings->len == 0)
        printf("%s: configuration, tables, keys%s%s are good\n", check->ctl->config_file,
               check->no_mta ? "" : ", mail server", check->no_login ? "" : ", logins");
}

/* Of what is about Postfix's settings. Run twice it changes nothing more. */
static void print_script(const Check *check)
{
    g_autofree char *reload = reload_command(check);
    guint others = 0;

    printf("#!/bin/sh\n# What demailctl check would change in Postfix.\nset -e\n");
    for (guint i = 0; i < check->findings->len; i++) {
        const DmCheckFinding *finding = g_ptr_array_index(check->findings, i);
        if (finding->script)
            printf("# %s\n%s\n", finding->problem, finding->command);
        else
            others++;
    }
    printf("%s\n", reload);
    if (others > 0)
        printf("# demailctl check has %u findings that are not about Postfix's settings.\n", others);
}

static void print_json(const Check *check)
{
    g_autofree char *reload = reload_command(check);
    gboolean good = !dm_check_findings_have_error(check->findings);
    g_autoptr(GPtrArray) findings = dm_check_findings_by_weight(check->findings);

    dm_output_json(json_pack("{s:s, s:b, s:o, s:o, s:o*}", "config", check->ctl->config_file, "good", (int)good,
                             "findings", dm_check_findings_json(findings, reload), "remarks",
                             dm_output_strings(check->remarks), "trust_list",
                             check->list != NULL ? dm_check_trust_json(check->list) : NULL));
}

static void check_config(Check *check, const DmGateway *gateway, const DmConfig *config, const GPtrArray *problems)
{
    g_auto(GStrv) domains = config != NULL ? dm_check_domains(config) : g_new0(char *, 1);

    /* First what has a better remedy than an editor: a problem counts once. */
    if (config != NULL) {
        check_rights(check);
        dm_check_files(config, check->findings);
    }
    add_problems(check, problems, "configuration", "the daemons do not start, or keep the configuration they have");
    if (gateway != NULL)
        dm_check_tables(gateway, check->findings);
    if (config != NULL)
        check_rest(check, config, domains);
}

static int run(Check *check, gboolean fix_postfix)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmGateway) gateway =
        dm_gateway_open(check->ctl->config_file, DM_GATEWAY_POLICY | DM_GATEWAY_STAMP, problems, &error);
    g_autoptr(DmConfig) config =
        gateway != NULL ? dm_config_ref(gateway->config) : dm_config_load(check->ctl->config_file, known);

    check_config(check, gateway, config, problems);
    if (fix_postfix)
        print_script(check);
    else if (check->ctl->json)
        print_json(check);
    else
        print_text(check);
    g_clear_pointer(&check->list, dm_trust_list_free);
    if (error != NULL)
        return dm_error_exit_code(error);
    return dm_check_findings_have_error(check->findings) ? EX_CONFIG : EX_OK;
}

int dm_ctl_check(const DmCtl *ctl, int argc, char **argv)
{
    DmCtl own = *ctl;
    gboolean fix_postfix = FALSE;
    g_autoptr(GPtrArray) findings = dm_check_findings_new();
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    Check check = {.ctl = &own, .findings = findings, .remarks = remarks};
    const GOptionEntry entries[] = {
        {"fix-postfix", 0, 0, G_OPTION_ARG_NONE, &fix_postfix, "Print a script that mends Postfix's settings", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &own.json, "Print JSON", NULL},
        {"no-login", 0, 0, G_OPTION_ARG_NONE, &check.no_login, "Do not log in at the providers", NULL},
        {"no-mta", 0, 0, G_OPTION_ARG_NONE, &check.no_mta, "Leave the mail server out", NULL},
        {"postfix-config", 0, 0, G_OPTION_ARG_FILENAME, &check.mta.postfix_config, "Folder of main.cf", "DIR"},
        {"sendmail-cf", 0, 0, G_OPTION_ARG_FILENAME, &check.mta.sendmail_cf, "Sendmail's configuration", "FILE"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_USAGE;

    if (dm_ctl_options("check", "", entries, &argc, &argv)) {
        const char *environment = g_getenv("MAIL_CONFIG");
        if (check.mta.postfix_config == NULL && environment != NULL && environment[0] != '\0')
            check.mta.postfix_config = g_strdup(environment);
        if (argc > 1)
            dm_output_complain("check: takes no operand; name the configuration with -c before the command");
        else if (!dm_program_hide_memory(&error))
            dm_output_complain(error->message);
        else
            exit_code = run(&check, fix_postfix);
    }
    dm_mta_clear(&check.mta);
    return exit_code;
}
