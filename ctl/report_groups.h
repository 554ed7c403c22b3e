/*
 * What was sent and received, counted in groups. Memory grows with the number of groups, not with that of De-Mails.
 */
#ifndef DEMAIL_CTL_REPORT_GROUPS_H
#define DEMAIL_CTL_REPORT_GROUPS_H

#include "ctl/entry_view.h"

#include <glib.h>

/* What groups are made by. */
typedef enum { DM_REPORT_TENANT, DM_REPORT_UNIT, DM_REPORT_MONTH, DM_REPORT_OPTION } DmReportKey;
#define DM_REPORT_KEYS 4

/* A De-Mail is in one group; grouped by option it is in one for each of its options ("none" without any), so that sums
 * over such groups are larger than what was sent. Of recipients, accepted + refused + open are all. */
typedef enum {
    DM_REPORT_SENT,          /* De-Mails that the provider took for at least one recipient */
    DM_REPORT_ACCEPTED,      /* recipients that it took it for, and */
    DM_REPORT_REFUSED,       /* did not, for good, and */
    DM_REPORT_UNDELIVERABLE, /* of those accepted: did not get it, as a notification says */
    DM_REPORT_OPEN,          /* recipients of which neither is settled */
    DM_REPORT_PRIVATE,       /* De-Mails sent with this option, and so on in the order of DmOption */
    DM_REPORT_AUTHORITATIVE,
    DM_REPORT_DISPATCH,
    DM_REPORT_RECEIPT,
    DM_REPORT_RETRIEVE,
    DM_REPORT_RECEIVED,   /* De-Mails */
    DM_REPORT_STATEMENTS, /* confirmations, notifications and their like received */
} DmReportCount;
#define DM_REPORT_COUNTS 12

typedef struct {
    char *keys[DM_REPORT_KEYS]; /* "" where not grouped by it */
    guint64 counts[DM_REPORT_COUNTS];
} DmReportGroup;

typedef struct DmReportGroups DmReportGroups;

/* Their words, as in options and titles. */
const char *dm_report_key_word(DmReportKey key);
const char *dm_report_count_word(DmReportCount count);

/* `by`: a set of 1 << DmReportKey. Months are those of local time. */
DmReportGroups *dm_report_groups_new(guint by);
void dm_report_groups_free(DmReportGroups *groups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmReportGroups, dm_report_groups_free)

void dm_report_groups_add(DmReportGroups *groups, const DmEntryView *view);

/* Calls `each` for every group, in the order of their keys. */
void dm_report_groups_each(DmReportGroups *groups, void (*each)(const DmReportGroup *group, gpointer data),
                           gpointer data);

#endif
