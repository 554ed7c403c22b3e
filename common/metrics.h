/*
 * What a program has counted since its start: counters and histograms in memory. They begin at 0 with the process.
 *
 * Any thread. Adding to a series that is at hand is an atomic increment; finding one takes a lock for a moment. A
 * DmMetrics that is NULL, and a series that is, counts nothing: what is counted never decides about mail.
 */
#ifndef DEMAIL_COMMON_METRICS_H
#define DEMAIL_COMMON_METRICS_H

#include "common/metric_families.h"

#include <glib.h>

#define DM_METRICS_SERIES_MAX 10000

typedef struct DmMetrics DmMetrics;
typedef struct DmSeries DmSeries;

DmMetrics *dm_metrics_new(void);
DmMetrics *dm_metrics_ref(DmMetrics *metrics);
void dm_metrics_unref(DmMetrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMetrics, dm_metrics_unref)

/* The series with these values of its labels (NULL-terminated), made with 0 if it is new; lives as long as `metrics`.
 * NULL where there are DM_METRICS_SERIES_MAX others. `family` is kept, not copied. */
DmSeries *dm_metrics_find(DmMetrics *metrics, const DmMetricFamily *family, const char *const *values);
#define dm_metrics_series(metrics, family, ...)                                                                        \
    dm_metrics_find((metrics), (family), (const char *const[]){__VA_ARGS__, NULL})

void dm_series_add(DmSeries *series, guint64 n);

/* One more in a histogram. */
void dm_series_observe(DmSeries *series, gint64 microseconds);

/* Appends all families that have series, as OpenMetrics without an end. */
void dm_metrics_append(DmMetrics *metrics, GString *text);

#endif
