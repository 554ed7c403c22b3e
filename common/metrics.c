#include "common/metrics.h"

#include "common/exposition.h"

#include <stdatomic.h>

struct DmSeries {
    char **values;
    _Atomic guint64 count;                   /* of a counter */
    _Atomic guint64 buckets[DM_BUCKETS + 1]; /* of a histogram */
    _Atomic guint64 sum;                     /* microseconds */
};

typedef struct {
    const DmMetricFamily *family;
    GPtrArray *series; /* of DmSeries *, in the order of their making */
} Family;

struct DmMetrics {
    gatomicrefcount references;
    GMutex lock;         /* guards the containers, not what the series count */
    GPtrArray *families; /* of Family * */
    GHashTable *series;  /* by family and values; lent */
};

static void series_free(gpointer data)
{
    DmSeries *series = data;

    g_strfreev(series->values);
    g_free(series);
}

static void family_free(gpointer data)
{
    Family *family = data;

    g_ptr_array_unref(family->series);
    g_free(family);
}

DmMetrics *dm_metrics_new(void)
{
    DmMetrics *metrics = g_new0(DmMetrics, 1);

    g_atomic_ref_count_init(&metrics->references);
    g_mutex_init(&metrics->lock);
    metrics->families = g_ptr_array_new_with_free_func(family_free);
    metrics->series = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return metrics;
}

DmMetrics *dm_metrics_ref(DmMetrics *metrics)
{
    if (metrics != NULL)
        g_atomic_ref_count_inc(&metrics->references);
    return metrics;
}

void dm_metrics_unref(DmMetrics *metrics)
{
    if (metrics == NULL || !g_atomic_ref_count_dec(&metrics->references))
        return;
    g_hash_table_unref(metrics->series);
    g_ptr_array_unref(metrics->families);
    g_mutex_clear(&metrics->lock);
    g_free(metrics);
}

/* With the lock held. */
static Family *family_of(DmMetrics *metrics, const DmMetricFamily *description)
{
    for (guint i = 0; i < metrics->families->len; i++) {
        Family *family = g_ptr_array_index(metrics->families, i);
        if (family->family == description)
            return family;
    }
    Family *family = g_new0(Family, 1);
    family->family = description;
    family->series = g_ptr_array_new_with_free_func(series_free);
    g_ptr_array_add(metrics->families, family);
    return family;
}

DmSeries *dm_metrics_find(DmMetrics *metrics, const DmMetricFamily *family, const char *const *values)
{
    if (metrics == NULL)
        return NULL;

    g_autofree char *joined = g_strjoinv("\n", (char **)values);
    g_autofree char *key = g_strconcat(family->name, "\n", joined, NULL);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->lock);
    DmSeries *series = g_hash_table_lookup(metrics->series, key);

    if (series != NULL || g_hash_table_size(metrics->series) >= DM_METRICS_SERIES_MAX)
        return series;
    series = g_new0(DmSeries, 1);
    series->values = g_strdupv((char **)values);
    g_ptr_array_add(family_of(metrics, family)->series, series);
    g_hash_table_insert(metrics->series, g_steal_pointer(&key), series);
    return series;
}

void dm_series_add(DmSeries *series, guint64 n)
{
    if (series != NULL)
        atomic_fetch_add_explicit(&series->count, n, memory_order_relaxed);
}

void dm_series_observe(DmSeries *series, gint64 microseconds)
{
    guint bucket = 0;

    if (series == NULL)
        return;
    while (bucket < DM_BUCKETS && (double)microseconds > dm_bucket_bounds[bucket] * 1e6)
        bucket++;
    atomic_fetch_add_explicit(&series->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->sum, (guint64)MAX(microseconds, 0), memory_order_relaxed);
}

static void append_histogram(GString *text, const DmMetricFamily *family, DmSeries *series)
{
    guint64 counts[DM_BUCKETS + 1];

    for (guint i = 0; i <= DM_BUCKETS; i++)
        counts[i] = atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
    dm_exposition_add_histogram(text, family, (const char *const *)series->values, counts,
                                (double)atomic_load_explicit(&series->sum, memory_order_relaxed) / 1e6);
}

static void append_series(GString *text, const DmMetricFamily *family, DmSeries *series)
{
    switch (family->kind) {
    case DM_METRIC_COUNTER:
    case DM_METRIC_GAUGE:
        dm_exposition_add(text, family, (const char *const *)series->values,
                          (gint64)atomic_load_explicit(&series->count, memory_order_relaxed));
        break;
    case DM_METRIC_HISTOGRAM:
        append_histogram(text, family, series);
        break;
    }
}

void dm_metrics_append(DmMetrics *metrics, GString *text)
{
    if (metrics == NULL)
        return;

    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->lock);

    for (guint i = 0; i < metrics->families->len; i++) {
        const Family *family = g_ptr_array_index(metrics->families, i);

        dm_exposition_begin(text, family->family);
        for (guint j = 0; j < family->series->len; j++)
            append_series(text, family->family, g_ptr_array_index(family->series, j));
    }
}
