#include "ctl/command.h"
#include "ctl/entry_view.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"

#include <sysexits.h>

#define NOT_FOUND 1 /* as demailctl query */

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
            dm_entry_view_print_all(&view);
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
