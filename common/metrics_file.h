/*
 * A program's metrics in a file, for demailctl and whoever else collects them: OpenMetrics text, replaced in one step,
 * readable for all. The program keeps the file locked (flock(2)) as long as it lives: so others see whether it runs.
 * Nothing is synced: after a crash of the machine the counters begin anew anyway.
 */
#ifndef DEMAIL_COMMON_METRICS_FILE_H
#define DEMAIL_COMMON_METRICS_FILE_H

#include "common/error.h"
#include "common/metrics.h"

#define DM_METRICS_SECONDS 15 /* between two writings */

/* For one thread. */
typedef struct DmMetricsFile DmMetricsFile;

/* `path` may be empty: nothing is written then. */
DmMetricsFile *dm_metrics_file_new(const char *path);

/* Replaces the file by `text`. A failure is logged as metrics-failed, once until it works again. */
void dm_metrics_file_write(DmMetricsFile *file, const GString *text);

/* The file stays, not locked any more. NULL is allowed. */
void dm_metrics_file_free(DmMetricsFile *file);

/* Writes what `metrics` has counted every DM_METRICS_SECONDS and at the end, from a thread of its own. */
typedef struct DmMetricsWriter DmMetricsWriter;
DmMetricsWriter *dm_metrics_writer_start(DmMetrics *metrics, const char *path);
void dm_metrics_writer_stop(DmMetricsWriter *writer);

/* What a program has written last, without the end; empty if there is nothing. *up: whether the program runs. */
char *dm_metrics_file_read(const char *path, gboolean *up);

/* Replaces a file by `text`, with `mode`, in one step and not synced. *fd (may be NULL) gets the new file, open. */
gboolean dm_metrics_file_replace(const char *path, const char *text, gsize length, int mode, int *fd, GError **error);

#endif
