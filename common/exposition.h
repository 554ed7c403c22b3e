/*
 * OpenMetrics text, version 1.0: families with their samples, and an end. Pure functions that append to a text.
 */
#ifndef DEMAIL_COMMON_EXPOSITION_H
#define DEMAIL_COMMON_EXPOSITION_H

#include "common/metric_families.h"

#include <glib.h>

#define DM_BUCKETS 12 /* with a bound; one more holds the rest */

/* Upper bounds of all histograms, seconds. */
extern const double dm_bucket_bounds[DM_BUCKETS];

/* Begins a family; its samples follow, and nothing else before the next. */
void dm_exposition_begin(GString *text, const DmMetricFamily *family);

/* A sample of a counter or gauge. `values` of the labels, in their order; any text. */
void dm_exposition_add(GString *text, const DmMetricFamily *family, const char *const *values, gint64 value);

/* All samples of a histogram: how many fell into each of the DM_BUCKETS + 1 buckets, and their sum in seconds. */
void dm_exposition_add_histogram(GString *text, const DmMetricFamily *family, const char *const *values,
                                 const guint64 *counts, double sum);

#define DM_EXPOSITION_END "# EOF\n"

#endif
