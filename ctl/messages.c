#include "common/demail.h"
#include "common/nearest.h"
#include "ctl/command.h"
#include "ctl/entry_view.h"
#include "ctl/grid.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"
#include "ctl/timespan.h"

#include <string.h>
#include <sysexits.h>

#define LIMIT_MAX 100000

/* What is wanted; NULL: any. */
typedef struct {
    char *tenant;
    char *state;
    char *sender;    /* patterns of addresses, lower case */
    char *recipient; /* of a sent De-Mail; the journal has none of a received one */
    char *direction;
    gint64 since;
    gint64 until; /* up to and without it */
} Filter;

typedef struct {
    DmJournal *journal;
    const Filter *filter;
    gboolean json;
    gint limit;   /* the last of them; 0: all */
    GQueue *last; /* of DmEntryView *; with a limit */
    DmGrid *grid; /* without JSON */
} Listing;

static const DmGridColumn columns[] = {
    {"time", 0, 2, FALSE, NULL},      {"direction", 0, 5, FALSE, NULL}, {"state", 0, 0, FALSE, dm_grid_state_tone},
    {"id", 0, 0, FALSE, NULL},        {"tenant", 6, 4, FALSE, NULL},    {"sender", 12, 3, FALSE, NULL},
    {"recipient", 8, 1, FALSE, NULL}, {"detail", 6, 6, FALSE, NULL},
};

static const char *const directions[] = {"sent", "received", NULL};

static gboolean matches(const char *pattern, const char *address)
{
    g_autofree char *folded = g_ascii_strdown(address != NULL ? address : "", -1);

    return pattern == NULL || g_pattern_match_simple(pattern, folded);
}

static gboolean is_wanted(const char *wanted, const char *word)
{
    return wanted == NULL || strcmp(wanted, word) == 0;
}

static gboolean wants_recipient(const Filter *filter, const DmSentRecipient *recipient)
{
    return is_wanted(filter->state, dm_sent_recipient_state(recipient)) &&
           matches(filter->recipient, recipient->address);
}

static gboolean wants_sent(const Filter *filter, const DmEntryView *view)
{
    const DmSentMessage *message = view->message;
    gboolean any = FALSE;

    if (filter->sender != NULL &&
        (message == NULL || (!matches(filter->sender, message->email) && !matches(filter->sender, message->demail))))
        return FALSE;
    for (guint i = 0; i < view->recipients->len && !any; i++)
        any = wants_recipient(filter, g_ptr_array_index(view->recipients, i));
    return any;
}

static gboolean wants(const Filter *filter, const DmEntryView *view)
{
    gboolean sent = dm_entry_view_is_sent(view);
    gint64 time = dm_entry_view_time(view);

    if (!is_wanted(filter->direction, directions[sent ? 0 : 1]) || !is_wanted(filter->tenant, view->tenant) ||
        time < filter->since || time >= filter->until)
        return FALSE;
    if (sent)
        return wants_sent(filter, view);
    return filter->recipient == NULL && is_wanted(filter->state, dm_received_state_word(view->received.state)) &&
           matches(filter->sender, view->received.sender);
}

static void add_sent(const Listing *listing, const DmEntryView *view, const char *time)
{
    const DmSentMessage *message = view->message;
    g_autofree char *options = message != NULL && message->options != 0 ? dm_options_format(message->options) : NULL;

    for (guint i = 0; i < view->recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(view->recipients, i);
        if (!wants_recipient(listing->filter, recipient))
            continue;
        dm_grid_add(listing->grid,
                    (const char *const[]){time, directions[0], dm_sent_recipient_state(recipient), view->gateway_id,
                                          view->tenant, message != NULL ? message->email : NULL, recipient->address,
                                          options});
    }
}

static void add_received(const Listing *listing, const DmEntryView *view, const char *time)
{
    const DmReceived *r = &view->received;
    g_autofree char *detail = g_strdup_printf("%s, verified=%s", r->type, r->verified);

    dm_grid_add(listing->grid, (const char *const[]){time, directions[1], dm_received_state_word(r->state),
                                                     view->provider_id, view->tenant, r->sender, NULL, detail});
}

static void print(const Listing *listing, const DmEntryView *view)
{
    g_autofree char *time = dm_output_time(dm_entry_view_time(view));

    if (listing->json)
        dm_output_json_line(dm_entry_view_json(view));
    else if (dm_entry_view_is_sent(view))
        add_sent(listing, view, time);
    else
        add_received(listing, view, time);
}

static void free_view(gpointer data)
{
    dm_entry_view_clear(data);
    g_free(data);
}

/* Keeps the view, and no more of them than the limit. */
static void keep(const Listing *listing, DmEntryView *view)
{
    g_queue_push_tail(listing->last, g_memdup2(view, sizeof *view));
    *view = (DmEntryView){0};
    if (listing->last->length > (guint)listing->limit)
        free_view(g_queue_pop_head(listing->last));
}

static gboolean take(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Listing *listing = data;
    DmEntryView view;
    gboolean found = FALSE;

    gboolean good = dm_entry_view_load(listing->journal, entry, &view, &found, error);
    if (good && found && wants(listing->filter, &view)) {
        if (listing->limit > 0)
            keep(listing, &view);
        else
            print(listing, &view);
    }
    dm_entry_view_clear(&view);
    return good;
}

static int list(const DmCtl *ctl, Listing *listing)
{
    g_autoptr(GError) error = NULL;
    DmCtlJournal opened;
    int exit_code = EX_OK;

    if (dm_ctl_journal_open(ctl, DM_JOURNAL_READ, &opened, &exit_code)) {
        dm_ctl_journal_warn_of_tenant(&opened, listing->filter->tenant);
        listing->journal = opened.journal;
        listing->last = g_queue_new();
        listing->grid = dm_grid_new(columns, G_N_ELEMENTS(columns));
        gboolean good = dm_journal_list(opened.journal, listing->filter->since, take, listing, &error);
        for (GList *link = listing->last->head; good && link != NULL; link = link->next)
            print(listing, link->data);
        g_queue_free_full(listing->last, free_view);
        dm_grid_end(listing->grid);
        if (!good) {
            dm_output_complain(error->message);
            exit_code = dm_error_exit_code(error);
        }
    }
    dm_ctl_journal_close(&opened);
    return exit_code;
}

static char *check_word(const char *option, const char *word, const char *const *words)
{
    if (word == NULL || g_strv_contains(words, word))
        return NULL;
    return g_strdup_printf("messages: %s %s: unknown; did you mean \"%s\"?", option, word, dm_nearest(word, words));
}

/* NULL, or what is wrong with the command line. */
static char *check(Filter *filter, const char *since, const char *until, gint limit, int argc)
{
    gint64 other = 0;

    if (argc > 1)
        return g_strdup("messages: takes no operand; \"demailctl show ID\" shows one");
    if (since != NULL && !dm_timespan_parse(since, &filter->since, &other))
        return g_strdup_printf("messages: --since %s: " DM_TIMESPAN_FORMS, since);
    if (until != NULL && !dm_timespan_parse(until, &other, &filter->until))
        return g_strdup_printf("messages: --until %s: " DM_TIMESPAN_FORMS, until);
    if (limit < 0 || limit > LIMIT_MAX)
        return g_strdup_printf("messages: --limit: write a number from 1 to %d", LIMIT_MAX);
    char *problem = check_word("--state", filter->state, dm_entry_view_states());
    return problem != NULL ? problem : check_word("--direction", filter->direction, directions);
}

static void clear_filter(Filter *filter)
{
    g_free(filter->tenant);
    g_free(filter->state);
    g_free(filter->sender);
    g_free(filter->recipient);
    g_free(filter->direction);
}

static void fold(char **pattern)
{
    char *folded = *pattern != NULL ? g_ascii_strdown(*pattern, -1) : NULL;

    g_free(*pattern);
    *pattern = folded;
}

int dm_ctl_messages(const DmCtl *ctl, int argc, char **argv)
{
    Filter filter = {.until = G_MAXINT64};
    Listing listing = {.filter = &filter, .json = ctl->json};
    g_autofree char *since = NULL;
    g_autofree char *until = NULL;
    const GOptionEntry entries[] = {
        {"tenant", 0, 0, G_OPTION_ARG_STRING, &filter.tenant, "Only this tenant's", "TENANT"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &since, "Only from this time on", "TIME"},
        {"until", 0, 0, G_OPTION_ARG_STRING, &until, "Only to the end of this month or day, or up to this time",
         "TIME"},
        {"state", 0, 0, G_OPTION_ARG_STRING, &filter.state, "Only what is in this state", "STATE"},
        {"sender", 0, 0, G_OPTION_ARG_FILENAME, &filter.sender, "Only from this address; * and ? stand for any",
         "ADDRESS"},
        {"recipient", 0, 0, G_OPTION_ARG_FILENAME, &filter.recipient, "Only what was sent to this address", "ADDRESS"},
        {"direction", 0, 0, G_OPTION_ARG_STRING, &filter.direction, "Only what was sent, or received", "sent|received"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &listing.limit, "Only the last of them", "NUMBER"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &listing.json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_USAGE;

    if (dm_ctl_options("messages", "", entries, &argc, &argv)) {
        g_autofree char *problem = check(&filter, since, until, listing.limit, argc);
        fold(&filter.sender);
        fold(&filter.recipient);
        if (problem == NULL)
            exit_code = list(ctl, &listing);
        else
            dm_output_complain(problem);
    }
    clear_filter(&filter);
    return exit_code;
}
