/*
 * How far an export is, on standard error: a bar where that is a terminal, else a line for each thousand messages.
 * One thread.
 */
#ifndef DEMAIL_CTL_EXPORT_PROGRESS_H
#define DEMAIL_CTL_EXPORT_PROGRESS_H

#include <glib.h>

typedef struct {
    const char *what; /* is being done: "export" or "check" */
    gboolean terminal;
    guint total; /* messages; may grow */
    gint64 total_bytes;
    guint done;
    gint64 bytes;
    gint64 begun; /* monotonic microseconds */
    gint64 shown;
} DmProgress;

void dm_progress_begin(DmProgress *progress, const char *what, guint total, gint64 total_bytes);

/* One message more. */
void dm_progress_add(DmProgress *progress, gint64 bytes);

/* Shows the bar if it is time; to be called now and then. */
void dm_progress_show(DmProgress *progress);

/* Clears the bar, so that lines can be written. */
void dm_progress_clear(const DmProgress *progress);

#endif
