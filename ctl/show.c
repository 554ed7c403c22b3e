#include "ctl/command.h"
#include "ctl/entry_view.h"
#include "ctl/grid.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"

#include <stdio.h>
#include <sysexits.h>

#define NOT_FOUND 1 /* as demailctl query */

static char *plain(const char *text)
{
    return dm_output_plain(text != NULL && text[0] != '\0' ? text : "-");
}

/* Nothing for an empty value. */
static void print_field(const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    g_autofree char *text = plain(value);
    printf("  %-13s %s\n", name, text);
}

static void print_recipient(const DmSentRecipient *recipient)
{
    g_autoptr(GArray) steps = dm_entry_view_steps(recipient);
    g_autofree char *address = plain(recipient->address);
    g_autofree char *state = dm_grid_tinted_state(dm_sent_recipient_state(recipient));

    printf("  %s: %s\n", address, state);
    for (guint i = 0; i < steps->len; i++) {
        const DmEntryStep *step = &g_array_index(steps, DmEntryStep, i);
        g_autofree char *time = dm_output_time(step->time);
        g_autofree char *id = plain(step->id);
        g_autofree char *detail = plain(step->detail);
        printf("    %s  %-13s %s  %s\n", time, step->event, id, detail);
    }
}

static void print_message(const DmSentMessage *message)
{
    g_autofree char *time = dm_output_time(message->time);
    g_autofree char *options = dm_options_format(message->options);

    print_field("submitted", time);
    print_field("queue id", message->queue_id);
    print_field("private id", message->private_id);
    print_field("Message-ID", message->message_id);
    print_field("sender", message->email);
    print_field("as", message->demail);
    print_field("unit", message->unit);
    print_field("options", options);
}

static void print_received(const DmReceived *received)
{
    g_autofree char *fetched = dm_output_time(received->fetched);
    g_autofree char *changed = dm_output_time(received->time);

    print_field("fetched", fetched);
    g_autofree char *state = dm_grid_tinted_state(dm_received_state_word(received->state));
    printf("  %-13s %s\n", "state", state);
    print_field("since", changed);
    print_field("type", received->type);
    print_field("private id", received->private_id);
    print_field("sender", received->sender);
    print_field("verified", received->verified);
    print_field("reasons", received->reasons);
    print_field("about", received->about);
}

static void print_all(const DmEntryView *view)
{
    g_autofree char *tenant = plain(view->tenant);
    g_autofree char *id = plain(dm_entry_view_is_sent(view) ? view->gateway_id : view->provider_id);

    printf("%s %s, tenant %s\n", dm_entry_view_is_sent(view) ? "sent" : "received", id, tenant);
    if (view->message != NULL)
        print_message(view->message);
    for (guint i = 0; view->recipients != NULL && i < view->recipients->len; i++)
        print_recipient(g_ptr_array_index(view->recipients, i));
    if (!dm_entry_view_is_sent(view))
        print_received(&view->received);
}

/* *shown counts. */
static gboolean show_entry(DmJournal *journal, const DmJournalEntry *entry, gboolean json, guint *shown, GError **error)
{
    DmEntryView view;
    gboolean found = FALSE;

    gboolean good = dm_entry_view_load(journal, entry, &view, &found, error);
    if (good && found) {
        if (json)
            dm_output_json_line(dm_entry_view_json(&view));
        else
            print_all(&view);
        (*shown)++;
    }
    dm_entry_view_clear(&view);
    return good;
}

/* What an older version received has no name to be found by but that of its record. */
static gboolean show_received(const DmCtlJournal *opened, const char *id, gboolean json, guint *shown, GError **error)
{
    for (guint i = 0; i < opened->config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(opened->config->tenants, i);
        const DmJournalEntry entry = {(char *)"", tenant->name, (char *)id};
        if (!show_entry(opened->journal, &entry, json, shown, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean show(const DmCtlJournal *opened, const char *id, gboolean json, guint *shown, GError **error)
{
    g_autoptr(GPtrArray) entries = dm_journal_find(opened->journal, id, error);

    for (guint i = 0; entries != NULL && i < entries->len; i++) {
        if (!show_entry(opened->journal, g_ptr_array_index(entries, i), json, shown, error))
            return FALSE;
    }
    return entries != NULL && (*shown > 0 || show_received(opened, id, json, shown, error));
}

static int open_and_show(const DmCtl *ctl, const char *id, gboolean json)
{
    g_autoptr(GError) error = NULL;
    DmCtlJournal opened;
    guint shown = 0;
    int exit_code = EX_OK;

    if (dm_ctl_journal_open(ctl, DM_JOURNAL_READ, &opened, &exit_code)) {
        if (!show(&opened, id, json, &shown, &error)) {
            dm_output_complain(error->message);
            exit_code = dm_error_exit_code(error);
        } else if (shown == 0) {
            g_autofree char *problem = g_strdup_printf("show: %s is not in the journal", id);
            dm_output_complain(problem);
            exit_code = NOT_FOUND;
        }
    }
    dm_ctl_journal_close(&opened);
    return exit_code;
}

int dm_ctl_show(const DmCtl *ctl, int argc, char **argv)
{
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!dm_ctl_options("show", "ID", entries, &argc, &argv))
        return EX_USAGE;
    if (argc != 2) {
        dm_output_complain("show: give one gateway id, queue id, private id, Message-ID or provider's id");
        return EX_USAGE;
    }
    return open_and_show(ctl, argv[1], json);
}
