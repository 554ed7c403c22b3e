#include "common/exposition.h"

const double dm_bucket_bounds[DM_BUCKETS] = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};

/* As OpenMetrics wants it in a label's value and in a HELP: UTF-8, with quote, backslash and newline escaped. */
static void append_escaped(GString *text, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    for (const char *c = valid; *c != '\0'; c++) {
        if (*c == '\n') {
            g_string_append(text, "\\n");
            continue;
        }
        if (*c == '\\' || *c == '"')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *c);
    }
}

static const char *kind_word(DmMetricKind kind)
{
    switch (kind) {
    case DM_METRIC_COUNTER:
        return "counter";
    case DM_METRIC_GAUGE:
        return "gauge";
    case DM_METRIC_HISTOGRAM:
        return "histogram";
    }
    return "unknown";
}

void dm_exposition_begin(GString *text, const DmMetricFamily *family)
{
    g_string_append_printf(text, "# HELP %s ", family->name);
    append_escaped(text, family->help);
    g_string_append_printf(text, "\n# TYPE %s %s\n", family->name, kind_word(family->kind));
    if (family->unit != NULL)
        g_string_append_printf(text, "# UNIT %s %s\n", family->name, family->unit);
}

static void append_label(GString *text, char before, const char *name, const char *value)
{
    g_string_append_printf(text, "%c%s=\"", before, name);
    append_escaped(text, value);
    g_string_append_c(text, '"');
}

/* Name and labels; `bound` (may be NULL) of a bucket. */
static void append_series(GString *text, const DmMetricFamily *family, const char *suffix, const char *const *values,
                          const char *bound)
{
    g_string_append_printf(text, "%s%s", family->name, suffix);
    for (guint i = 0; family->labels[i] != NULL; i++)
        append_label(text, i == 0 ? '{' : ',', family->labels[i], values[i]);
    if (bound != NULL)
        append_label(text, family->labels[0] == NULL ? '{' : ',', "le", bound);
    if (bound != NULL || family->labels[0] != NULL)
        g_string_append_c(text, '}');
}

void dm_exposition_add(GString *text, const DmMetricFamily *family, const char *const *values, gint64 value)
{
    append_series(text, family, family->kind == DM_METRIC_COUNTER ? "_total" : "", values, NULL);
    g_string_append_printf(text, " %" G_GINT64_FORMAT "\n", value);
}

static void append_double(GString *text, double value)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_printf(text, " %s\n", g_ascii_formatd(buffer, sizeof buffer, "%.6f", value));
}

void dm_exposition_add_histogram(GString *text, const DmMetricFamily *family, const char *const *values,
                                 const guint64 *counts, double sum)
{
    guint64 count = 0;

    for (guint i = 0; i <= DM_BUCKETS; i++) {
        char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";

        count += counts[i];
        if (i < DM_BUCKETS)
            g_ascii_formatd(bound, sizeof bound, "%g", dm_bucket_bounds[i]);
        append_series(text, family, "_bucket", values, bound);
        g_string_append_printf(text, " %" G_GUINT64_FORMAT "\n", count);
    }
    append_series(text, family, "_count", values, NULL);
    g_string_append_printf(text, " %" G_GUINT64_FORMAT "\n", count);
    append_series(text, family, "_sum", values, NULL);
    append_double(text, sum);
}
