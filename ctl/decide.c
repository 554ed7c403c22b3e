#include "ctl/command.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"

#include <stdio.h>
#include <sysexits.h>

#define NOT_HELD 1

typedef struct {
    const char *id; /* as the administrator names it */
    gboolean resend;
    gboolean json;
} Decision;

/* The one sent De-Mail that goes by this name. NULL after a complaint; *exit_code is then why. */
static char *find_gateway_id(DmJournal *journal, const char *id, int *exit_code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = dm_journal_find(journal, id, &error);
    const DmJournalEntry *found = NULL;
    guint matches = 0;

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        const DmJournalEntry *entry = g_ptr_array_index(entries, i);
        if (entry->gateway_id[0] == '\0')
            continue;
        found = entry;
        matches++;
    }
    if (matches == 1)
        return g_strdup(found->gateway_id);

    g_autofree char *problem =
        entries == NULL ? g_strdup(error->message)
        : matches == 0
            ? g_strdup_printf("%s is no sent De-Mail; demailctl status lists those that are held", id)
            : g_strdup_printf("%s names %u De-Mails; give the gateway id that demailctl status shows", id, matches);
    dm_output_complain(problem);
    *exit_code = entries == NULL ? dm_error_exit_code(error) : matches == 0 ? NOT_HELD : EX_USAGE;
    return NULL;
}

static int decide(DmJournal *journal, const Decision *decision)
{
    int exit_code = EX_OK;
    g_autofree char *gateway_id = find_gateway_id(journal, decision->id, &exit_code);
    g_autoptr(GError) error = NULL;
    guint decided = 0;

    if (gateway_id == NULL)
        return exit_code;
    if (!dm_journal_decide(journal, gateway_id, decision->resend, &decided, &error)) {
        dm_output_complain(error->message);
        return dm_error_exit_code(error);
    }
    if (decided == 0) {
        g_autofree char *problem =
            g_strdup_printf("%s: no recipient is held; demailctl show %s tells their states", decision->id, gateway_id);
        dm_output_complain(problem);
        return NOT_HELD;
    }
    if (decision->json)
        dm_output_json_line(json_pack("{s:s, s:s, s:i}", "gateway_id", gateway_id, "decision",
                                      decision->resend ? "retry" : "drop", "recipients", (int)decided));
    else
        printf("%s: recipients: %u; at the mail server's next attempt %s\n", gateway_id, decided,
               decision->resend ? "the De-Mail is sent again" : "the De-Mail comes back to its sender");
    return EX_OK;
}

static int run(const DmCtl *ctl, const char *command, gboolean resend, int argc, char **argv)
{
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    DmCtlJournal opened;
    int exit_code = EX_OK;

    if (!dm_ctl_options(command, "ID", entries, &argc, &argv))
        return EX_USAGE;
    if (argc != 2) {
        g_autofree char *problem =
            g_strdup_printf("%s: give one gateway id, queue id, private id or Message-ID", command);
        dm_output_complain(problem);
        return EX_USAGE;
    }
    const Decision decision = {argv[1], resend, json};
    if (dm_ctl_journal_open(ctl, DM_JOURNAL_AMEND, &opened, &exit_code))
        exit_code = decide(opened.journal, &decision);
    dm_ctl_journal_close(&opened);
    return exit_code;
}

int dm_ctl_retry(const DmCtl *ctl, int argc, char **argv)
{
    return run(ctl, "retry", TRUE, argc, argv);
}

int dm_ctl_drop(const DmCtl *ctl, int argc, char **argv)
{
    return run(ctl, "drop", FALSE, argc, argv);
}
