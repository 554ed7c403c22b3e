#include "ctl/report_groups.h"

#include "common/demail.h"

#include <string.h>

struct DmReportGroups {
    guint by;
    GTree *groups; /* DmReportGroup *, which is its own key */
    GTimeZone *zone;
};

const char *dm_report_key_word(DmReportKey key)
{
    switch (key) {
    case DM_REPORT_TENANT:
        return "tenant";
    case DM_REPORT_UNIT:
        return "unit";
    case DM_REPORT_MONTH:
        return "month";
    case DM_REPORT_OPTION:
        break;
    }
    return "option";
}

const char *dm_report_count_word(DmReportCount count)
{
    switch (count) {
    case DM_REPORT_SENT:
        return "sent";
    case DM_REPORT_ACCEPTED:
        return "accepted";
    case DM_REPORT_REFUSED:
        return "refused";
    case DM_REPORT_UNDELIVERABLE:
        return "undeliverable";
    case DM_REPORT_OPEN:
        return "open";
    case DM_REPORT_PRIVATE:
    case DM_REPORT_AUTHORITATIVE:
    case DM_REPORT_DISPATCH:
    case DM_REPORT_RECEIPT:
    case DM_REPORT_RETRIEVE:
        return dm_option_word((guint)count - DM_REPORT_PRIVATE);
    case DM_REPORT_RECEIVED:
        return "received";
    case DM_REPORT_STATEMENTS:
        break;
    }
    return "statements";
}

static void free_group(gpointer data)
{
    DmReportGroup *group = data;

    for (gsize i = 0; i < DM_REPORT_KEYS; i++)
        g_free(group->keys[i]);
    g_free(group);
}

static gint compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const DmReportGroup *left = a;
    const DmReportGroup *right = b;
    int order = 0;

    (void)data;
    for (gsize i = 0; i < DM_REPORT_KEYS && order == 0; i++)
        order = strcmp(left->keys[i], right->keys[i]);
    return order;
}

DmReportGroups *dm_report_groups_new(guint by)
{
    DmReportGroups *groups = g_new0(DmReportGroups, 1);

    groups->by = by;
    groups->groups = g_tree_new_full(compare, NULL, free_group, NULL);
    groups->zone = g_time_zone_new_local();
    return groups;
}

void dm_report_groups_free(DmReportGroups *groups)
{
    g_tree_unref(groups->groups);
    g_time_zone_unref(groups->zone);
    g_free(groups);
}

static char *month_of(const DmReportGroups *groups, gint64 time)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time);
    g_autoptr(GDateTime) local = utc != NULL ? g_date_time_to_timezone(utc, groups->zone) : NULL;

    return local != NULL ? g_date_time_format(local, "%Y-%m") : g_strdup("");
}

/* The counts of one entry into the group that the keys name; keys that groups are not made by do not count. */
static void add_to(DmReportGroups *groups, const DmReportGroup *entry, const char *option)
{
    DmReportGroup *wanted = g_new0(DmReportGroup, 1);

    for (gsize i = 0; i < DM_REPORT_KEYS; i++) {
        const char *key = i == DM_REPORT_OPTION ? option : entry->keys[i];
        wanted->keys[i] = g_strdup((groups->by & 1U << i) != 0 ? key : "");
    }
    DmReportGroup *group = g_tree_lookup(groups->groups, wanted);
    if (group == NULL) {
        group = wanted;
        g_tree_insert(groups->groups, group, group);
    } else {
        free_group(wanted);
    }
    for (gsize i = 0; i < DM_REPORT_COUNTS; i++)
        group->counts[i] += entry->counts[i];
}

static DmReportCount count_of(const DmSentRecipient *recipient)
{
    switch (recipient->sent.state) {
    case DM_SENT_ACCEPTED:
        return DM_REPORT_ACCEPTED;
    case DM_SENT_REFUSED:
        return DM_REPORT_REFUSED;
    case DM_SENT_SUBMITTING:
    case DM_SENT_DEFERRED:
    case DM_SENT_UNKNOWN:
        break;
    }
    return DM_REPORT_OPEN;
}

static void count_sent(DmReportGroup *entry, const DmEntryView *view, guint options)
{
    for (guint i = 0; i < view->recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(view->recipients, i);
        DmReportCount count = count_of(recipient);
        entry->counts[count]++;
        if (count == DM_REPORT_ACCEPTED && strcmp(dm_sent_recipient_state(recipient), "undeliverable") == 0)
            entry->counts[DM_REPORT_UNDELIVERABLE]++;
    }
    entry->counts[DM_REPORT_SENT] = entry->counts[DM_REPORT_ACCEPTED] > 0 ? 1 : 0;
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((options & 1U << i) != 0)
            entry->counts[DM_REPORT_PRIVATE + i] = entry->counts[DM_REPORT_SENT];
    }
}

void dm_report_groups_add(DmReportGroups *groups, const DmEntryView *view)
{
    const DmSentMessage *message = view->message;
    guint options = message != NULL ? message->options & DM_OPTIONS_ALL : 0;
    g_autofree char *month = month_of(groups, dm_entry_view_time(view));
    DmReportGroup entry = {.keys = {view->tenant, message != NULL ? message->unit : (char *)"", month, NULL}};

    if (dm_entry_view_is_sent(view))
        count_sent(&entry, view, options);
    else
        entry.counts[g_ascii_strcasecmp(view->received.type, "normal") == 0 ? DM_REPORT_RECEIVED
                                                                            : DM_REPORT_STATEMENTS] = 1;
    if (options == 0 || (groups->by & 1U << DM_REPORT_OPTION) == 0) {
        add_to(groups, &entry, "none");
        return;
    }
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((options & 1U << i) != 0)
            add_to(groups, &entry, dm_option_word(i));
    }
}

typedef struct {
    void (*each)(const DmReportGroup *group, gpointer data);
    gpointer data;
} Visit;

static gboolean visit(gpointer key, gpointer group, gpointer data)
{
    const Visit *v = data;

    (void)key;
    v->each(group, v->data);
    return FALSE;
}

void dm_report_groups_each(DmReportGroups *groups, void (*each)(const DmReportGroup *group, gpointer data),
                           gpointer data)
{
    Visit v = {each, data};

    g_tree_foreach(groups->groups, visit, &v);
}
