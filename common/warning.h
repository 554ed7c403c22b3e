/*
 * Warnings in time: what will stop the gateway, or some of it, unless somebody acts. A pure function of facts and
 * clock.
 */
#ifndef DEMAIL_COMMON_WARNING_H
#define DEMAIL_COMMON_WARNING_H

#include "common/facts.h"

#define DM_WARNING_POLL_ROUNDS  5   /* intervals without a poll that went well, but at least */
#define DM_WARNING_POLL_SECONDS 300 /* so long */
#define DM_WARNING_QUOTA        10  /* percent of a mailbox that are to be free (PVD FU 4.1) */

typedef struct {
    const char *kind; /* client-certificate, password, send-until, receive-until, quota, poll, table or crl */
    char *subject;    /* the provider, the tenant or the file */
    guint stage;      /* how bad: of ends 1 within 30 days, 2 within 7 days, 3 within a day, 4 over; 1 for others */
    char *text;       /* what is the matter, and what to do */
} DmWarning;

/* Of DmWarning *, by kind. */
GPtrArray *dm_warnings_find(const DmFacts *facts, gint64 now);

/* The warning of `warnings` about the same, or NULL. */
const DmWarning *dm_warning_same(const GPtrArray *warnings, const DmWarning *warning);

#endif
