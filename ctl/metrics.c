#include "common/exposition.h"
#include "common/facts_file.h"
#include "common/gauges.h"
#include "common/metrics_file.h"
#include "ctl/command.h"
#include "ctl/gateway_facts.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#define MODE 0644

static void append_up(GString *text, const char *program, gboolean up)
{
    dm_exposition_add(text, &dm_metric_up, (const char *const[]){program, NULL}, up ? 1 : 0);
}

/* What demail-poller writes while it runs; else how things are as far as that can be told without it. */
static gboolean append_poller(GString *text, const DmCtlJournal *opened, gboolean *up, GError **error)
{
    g_autofree char *path = g_build_filename(opened->config->state_dir, DM_POLLER_METRICS_FILE, NULL);
    g_autofree char *written = dm_metrics_file_read(path, up);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (*up) {
        g_string_append(text, written);
        return TRUE;
    }
    g_autoptr(DmFacts) facts = dm_ctl_facts(opened, now, error);
    if (facts == NULL)
        return FALSE;
    g_autoptr(GPtrArray) warnings = dm_warnings_find(facts, now);
    dm_gauges_append(text, facts, warnings, now);
    return TRUE;
}

static gboolean make_text(GString *text, const DmCtlJournal *opened, GError **error)
{
    gboolean milter_up = FALSE;
    gboolean poller_up = FALSE;
    g_autofree char *milter = dm_metrics_file_read(opened->config->milter.metrics_file, &milter_up);

    if (milter_up)
        g_string_append(text, milter);
    if (!append_poller(text, opened, &poller_up, error))
        return FALSE;
    dm_exposition_begin(text, &dm_metric_up);
    append_up(text, "demail-milter", milter_up);
    append_up(text, "demail-poller", poller_up);
    g_string_append(text, DM_EXPOSITION_END);
    return TRUE;
}

static int print(const DmCtl *ctl)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    DmCtlJournal opened;
    int exit_code = EX_OK;

    if (dm_ctl_journal_open(ctl, DM_JOURNAL_READ, &opened, &exit_code) && !make_text(text, &opened, &error)) {
        dm_output_complain(error->message);
        exit_code = dm_error_exit_code(error);
    }
    dm_ctl_journal_close(&opened);
    if (exit_code == EX_OK)
        fputs(text->str, stdout);
    return exit_code;
}

/* Whoever opens the journal gives root's rights up, and needs them for the file: the text comes from a process of its
 * own. */
static int write_file(const DmCtl *ctl, const char *output)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    char *arguments[] = {(char *)"/proc/self/exe", (char *)"-c", (char *)ctl->config_file, (char *)"metrics", NULL};
    int status = 0;

    if (!g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text, NULL, &status, &error)) {
        dm_output_complain(error->message);
        return EX_OSERR;
    }
    if (status != 0)
        return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
    if (dm_metrics_file_replace(output, text, strlen(text), MODE, NULL, &error))
        return EX_OK;
    dm_output_complain(error->message);
    return EX_CANTCREAT;
}

int dm_ctl_metrics(const DmCtl *ctl, int argc, char **argv)
{
    g_autofree char *output = NULL;
    const GOptionEntry entries[] = {
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &output, "Write FILE, in one step", "FILE"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!dm_ctl_options("metrics", "", entries, &argc, &argv))
        return EX_USAGE;
    if (argc == 1)
        return output != NULL ? write_file(ctl, output) : print(ctl);
    dm_output_complain("metrics: takes no operand; --output FILE names a file");
    return EX_USAGE;
}
