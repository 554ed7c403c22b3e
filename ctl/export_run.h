/*
 * Takes everything that a provider lists in an account's folders into an export's folder. Nothing changes at the
 * provider: nothing is acknowledged.
 *
 * Several messages are fetched at once, and put in as the provider lists them. What fails for a while is tried again;
 * a refused login never is. The folders are listed again until nothing new is there, so that at the end everything
 * listed has been put in, was gone when it was fetched, or is told of as failed.
 */
#ifndef DEMAIL_CTL_EXPORT_RUN_H
#define DEMAIL_CTL_EXPORT_RUN_H

#include "ctl/export_fetch.h"
#include "ctl/export_folder.h"
#include "ctl/export_stop.h"

typedef struct {
    const DmFetcher *fetcher;
    DmExportFolder *folder;
    char *const *folders; /* of the account, ended by NULL */
    guint connections;    /* messages that are fetched at the same time */
    gint64 patience;      /* seconds without any success after which it gives up */
    DmExportStop *stop;
} DmExportPlan;

typedef struct {
    char *id;
    char *folder;
    char *reason;
} DmExportFailure;

typedef struct {
    guint listed;        /* messages in the last, whole list */
    guint taken;         /* now */
    GPtrArray *failures; /* of DmExportFailure *: what could not be had although the provider works */
    gboolean stopped;    /* somebody wanted it to stop */
} DmExportOutcome;

/* `outcome` is to be cleared in any case. FALSE: not everything was listed or tried; what has been put in is committed.
 * DM_ERROR_OS where this machine fails, DM_ERROR_UNAVAILABLE where the provider can't be reached or refuses the login,
 * DM_ERROR_TEMPORARY and DM_ERROR_PERMANENT as the driver has them; none where it was stopped. */
gboolean dm_export_run(const DmExportPlan *plan, DmExportOutcome *outcome, GError **error);
void dm_export_outcome_clear(DmExportOutcome *outcome);

#endif
