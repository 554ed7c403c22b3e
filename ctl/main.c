#include "common/log.h"
#include "common/nearest.h"
#include "common/program.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <gmime/gmime.h>
#include <jansson.h>
#include <lmdb.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int (*run)(const DmCtl *ctl, int argc, char **argv);
    const char *purpose;
} commands[] = {
    {"archive", dm_ctl_archive, "verify the archive of a tenant"},
    {"check", dm_ctl_check, "check configuration, tables and keys"},
    {"drop", dm_ctl_drop, "give a held De-Mail up: it comes back to its sender"},
    {"explain", dm_ctl_explain, "tell what the milter would decide on a message, and why"},
    {"export", dm_ctl_export, "take all of an account out of a provider"},
    {"messages", dm_ctl_messages, "list what was sent and received, and how far it is"},
    {"metrics", dm_ctl_metrics, "print metrics of both daemons, as OpenMetrics text"},
    {"postmap", dm_ctl_postmap, "compile table sources"},
    {"query", dm_ctl_query, "look a key up in a table"},
    {"report", dm_ctl_report, "count what was sent and received, for billing"},
    {"retry", dm_ctl_retry, "let a held De-Mail be sent again"},
    {"show", dm_ctl_show, "show the history of one message"},
    {"status", dm_ctl_status, "list De-Mails whose fate is open, and what has to be done in time"},
    {"verify", dm_ctl_verify, "judge De-Mails as received, against the standard"},
};

gboolean dm_ctl_options(const char *command, const char *operands, const GOptionEntry *entries, int *argc, char ***argv)
{
    g_autofree char *usage = g_strdup_printf("%s%s%s", command, operands[0] != '\0' ? " " : "", operands);
    g_autoptr(GOptionContext) context = g_option_context_new(usage);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (g_option_context_parse(context, argc, argv, &error))
        return TRUE;
    dm_output_complain(error->message);
    return FALSE;
}

static void print_version(void)
{
    g_autofree char *libraries =
        g_strdup_printf("%s, GLib %u.%u.%u, GMime %u.%u.%u, Jansson %s", mdb_version(NULL, NULL, NULL),
                        glib_major_version, glib_minor_version, glib_micro_version, gmime_major_version,
                        gmime_minor_version, gmime_micro_version, jansson_version_str());

    dm_program_print_version(DM_CTL_NAME, libraries);
}

static char *summary(void)
{
    GString *text = g_string_new("Commands:\n");

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-10s %s\n", commands[i].name, commands[i].purpose);
    return g_string_free(text, FALSE);
}

static int unknown_command(const char *name)
{
    const char *names[G_N_ELEMENTS(commands) + 1] = {NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i].name;
    g_autofree char *problem =
        g_strdup_printf("%s: unknown command; did you mean \"%s\"?", name, dm_nearest(name, names));
    dm_output_complain(problem);
    return EX_USAGE;
}

static int run(const DmCtl *ctl, int argc, char **argv)
{
    if (argc < 1) {
        dm_output_complain("no command; --help lists them");
        return EX_USAGE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(ctl, argc, argv);
    }
    return unknown_command(argv[0]);
}

int main(int argc, char **argv)
{
    g_autofree char *config_file = NULL;
    gboolean json = FALSE;
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_file, "Configuration file", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &version, "Show versions and exit", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("COMMAND …");
    g_autoptr(GError) error = NULL;
    g_autofree char *commands_text = summary();

    setlocale(LC_CTYPE, "");
    dm_log_open(DM_CTL_NAME, TRUE, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(context, commands_text);
    g_option_context_set_strict_posix(context, TRUE);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        dm_output_complain(error->message);
        return EX_USAGE;
    }
    if (version) {
        print_version();
        return EX_OK;
    }
    g_mime_init();
    const DmCtl ctl = {config_file != NULL ? config_file : DM_CONFIG_FILE, json};
    int exit_code = run(&ctl, argc - 1, argv + 1);
    g_mime_shutdown();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        dm_output_complain("standard output: what was printed could not be written");
        return EX_IOERR;
    }
    return exit_code;
}
