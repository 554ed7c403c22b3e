#include "ctl/command.h"
#include "ctl/entry_view.h"
#include "ctl/gateway_facts.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"

#include <stdio.h>
#include <sysexits.h>

#define HELD 1 /* exit code: somebody has to decide */

typedef struct {
    DmJournal *journal;
    gboolean json;
    guint held; /* recipients */
    guint under_way;
} Status;

static void print_recipient(const DmEntryView *view, const DmSentRecipient *recipient)
{
    g_autofree char *time = dm_output_time(recipient->sent.time);
    g_autofree char *queue_id = dm_output_plain(recipient->sent.queue_id);
    g_autofree char *address = dm_output_plain(recipient->address);

    printf("%s  %-10s  %s  %s  %s  %s\n", time, dm_sent_state_word(recipient->sent.state), view->gateway_id,
           queue_id[0] != '\0' ? queue_id : "-", view->tenant, address);
}

static gboolean print_entry(const DmJournalEntry *entry, gpointer data, GError **error)
{
    Status *status = data;
    DmEntryView view;
    gboolean found = FALSE;

    gboolean good = dm_entry_view_load(status->journal, entry, &view, &found, error);
    for (guint i = 0; good && found && i < view.recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(view.recipients, i);
        gboolean held = recipient->sent.state == DM_SENT_UNKNOWN;
        if (!dm_sent_state_is_open(recipient->sent.state))
            continue;
        status->held += held ? 1 : 0;
        status->under_way += held ? 0 : 1;
        if (!status->json)
            print_recipient(&view, recipient);
    }
    if (good && found && status->json)
        dm_output_json_line(dm_entry_view_json(&view));
    dm_entry_view_clear(&view);
    return good;
}

static int print_status(Status *status)
{
    g_autoptr(GError) error = NULL;

    if (!dm_journal_list_open(status->journal, print_entry, status, &error)) {
        dm_output_complain(error->message);
        return dm_error_exit_code(error);
    }
    if (!status->json)
        printf("recipients under way: %u, held: %u%s\n", status->under_way, status->held,
               status->held > 0 ? "; decide with demailctl retry ID or demailctl drop ID" : "");
    return status->held > 0 ? HELD : EX_OK;
}

static void print_warnings(const DmCtlJournal *opened, gboolean json, int *exit_code)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmFacts) facts = dm_ctl_facts(opened, now, &error);

    if (facts != NULL) {
        dm_ctl_print_warnings(facts, now, json);
        return;
    }
    dm_output_complain(error->message);
    *exit_code = dm_error_exit_code(error);
}

int dm_ctl_status(const DmCtl *ctl, int argc, char **argv)
{
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    DmCtlJournal opened;
    int exit_code = EX_OK;

    if (!dm_ctl_options("status", "", entries, &argc, &argv))
        return EX_USAGE;
    if (argc != 1) {
        dm_output_complain("status: takes no operand; \"demailctl show ID\" shows one");
        return EX_USAGE;
    }
    if (dm_ctl_journal_open(ctl, DM_JOURNAL_READ, &opened, &exit_code)) {
        Status status = {.journal = opened.journal, .json = json};
        exit_code = print_status(&status);
        print_warnings(&opened, json, &exit_code);
    }
    dm_ctl_journal_close(&opened);
    return exit_code;
}
