/*
 * What an export tells at its end.
 */
#ifndef DEMAIL_CTL_EXPORT_SUMMARY_H
#define DEMAIL_CTL_EXPORT_SUMMARY_H

#include "ctl/export_check.h"
#include "ctl/export_run.h"

typedef struct {
    const char *name; /* of the tenant, or of the folder */
    DmManifestCounts counts;
    const DmExportOutcome *outcome; /* NULL: nothing was asked of the provider */
    gboolean read_back;             /* all of the folder */
    DmExportChecked checked;
    gboolean stopped;
} DmExportSummary;

/* Prints it, and returns the exit code: 0 if all that the provider listed is there and good (all that the
 * manifest knows, where it was not asked), 1 if not, EX_DATAERR if
 * something on the disk is damaged, EX_TEMPFAIL if it was stopped. */
int dm_export_summary(const DmExportSummary *summary, gboolean json);

#endif
