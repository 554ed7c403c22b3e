#include "common/config_value.h"
#include "common/nearest.h"
#include "ctl/command.h"
#include "ctl/entry_view.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"

#include <string.h>
#include <sysexits.h>

typedef struct {
    const DmCtl *ctl;
    DmJournal *journal;
    char *tenant; /* NULL: all */
    char *state;  /* NULL: all */
    gint64 since;
    gboolean json;
} Listing;

/* A duration before now, a day (its beginning, local time) or a point in time. */
static gboolean parse_since(const char *text, gint64 *since)
{
    static const DmValueRule duration = {DM_VALUE_DURATION, NULL, 0, G_MAXINT32};
    gint64 seconds = 0;

    if (dm_value_parse(&duration, text, &seconds, NULL)) {
        *since = g_get_real_time() / G_USEC_PER_SEC - seconds;
        return TRUE;
    }
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();
    g_autofree char *day = g_strconcat(text, "T00:00:00", NULL);
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(strchr(text, 'T') == NULL ? day : text, zone);
    if (time == NULL)
        return FALSE;
    *since = g_date_time_to_unix(time);
    return TRUE;
}

static gboolean print_entry(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Listing *listing = data;
    DmEntryView view;
    gboolean found = FALSE;

    gboolean good = dm_entry_view_load(listing->journal, entry, &view, &found, error);
    if (good && found && (listing->tenant == NULL || strcmp(view.tenant, listing->tenant) == 0) &&
        (listing->state == NULL || dm_entry_view_has_state(&view, listing->state))) {
        if (listing->json)
            dm_output_json_line(dm_entry_view_json(&view));
        else
            dm_entry_view_print_line(&view, listing->state);
    }
    dm_entry_view_clear(&view);
    return good;
}

static int list(Listing *listing)
{
    g_autoptr(GError) error = NULL;
    DmCtlJournal opened;
    int exit_code = EX_OK;

    if (dm_ctl_journal_open(listing->ctl, DM_JOURNAL_READ, &opened, &exit_code)) {
        listing->journal = opened.journal;
        if (!dm_journal_list(opened.journal, listing->since, print_entry, listing, &error)) {
            dm_output_complain(error->message);
            exit_code = dm_error_exit_code(error);
        }
    }
    dm_ctl_journal_close(&opened);
    return exit_code;
}

/* NULL, or what is wrong with the command line. */
static char *check(Listing *listing, const char *since, int argc)
{
    const char *const *states = dm_entry_view_states();

    if (argc > 1)
        return g_strdup("messages: takes no operand; \"demailctl show ID\" shows one");
    if (since != NULL && !parse_since(since, &listing->since))
        return g_strdup_printf("messages: --since %s: write a date such as 2026-11-01, a point in time such as "
                               "2026-11-01T12:00:00Z, or how long ago, such as 7d",
                               since);
    if (listing->state != NULL && !g_strv_contains(states, listing->state))
        return g_strdup_printf("messages: --state %s: unknown; did you mean \"%s\"?", listing->state,
                               dm_nearest(listing->state, states));
    return NULL;
}

int dm_ctl_messages(const DmCtl *ctl, int argc, char **argv)
{
    g_autofree char *tenant = NULL;
    g_autofree char *state = NULL;
    g_autofree char *since = NULL;
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"tenant", 0, 0, G_OPTION_ARG_STRING, &tenant, "Only this tenant's", "TENANT"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &since, "Only from this time on", "TIME"},
        {"state", 0, 0, G_OPTION_ARG_STRING, &state, "Only what is in this state", "STATE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!dm_ctl_options("messages", "", entries, &argc, &argv))
        return EX_USAGE;
    Listing listing = {.ctl = ctl, .tenant = tenant, .state = state, .json = json};
    g_autofree char *problem = check(&listing, since, argc);
    if (problem != NULL) {
        dm_output_complain(problem);
        return EX_USAGE;
    }
    return list(&listing);
}
