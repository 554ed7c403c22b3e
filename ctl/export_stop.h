/*
 * The wish to stop: the first SIGINT or SIGTERM is noted, so that what is under way comes to an end; the next one ends
 * the program at once. No thread of the program may have been started before.
 */
#ifndef DEMAIL_CTL_EXPORT_STOP_H
#define DEMAIL_CTL_EXPORT_STOP_H

#include "common/error.h"

#include <glib.h>

typedef struct {
    int fd;
    gboolean wanted;
} DmExportStop;

/* DM_ERROR_OS. */
gboolean dm_export_stop_open(DmExportStop *stop, GError **error);
void dm_export_stop_close(DmExportStop *stop);

/* Waits at most so long for a signal. Whether one has come, now or before. Main thread. */
gboolean dm_export_stop_wanted(DmExportStop *stop, gint64 microseconds);

#endif
