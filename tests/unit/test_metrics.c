/*
 * Counters, histograms, their text and their file.
 */
#include "common/exposition.h"
#include "common/metrics_file.h"
#include "tests/unit/support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

/* Whoever can open a file can lock it first, and would have its writer wait: nobody can. */
int __wrap_flock(int fd, int operation)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    if ((operation & LOCK_NB) == 0)
        assert_int_equal(st.st_mode & 0777, 0600);
    return __real_flock(fd, operation);
}

static char *text_of(DmMetrics *metrics)
{
    GString *text = g_string_new(NULL);

    dm_metrics_append(metrics, text);
    return g_string_free(text, FALSE);
}

static void assert_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    if (!g_strv_contains((const char *const *)lines, line))
        fail_msg("no line %s in\n%s", line, text);
}

static void test_counter(void **state)
{
    g_autoptr(DmMetrics) metrics = dm_metrics_new();

    (void)state;
    dm_series_add(dm_metrics_series(metrics, &dm_metric_sent, "gemeinde", "accepted"), 2);
    dm_series_add(dm_metrics_series(metrics, &dm_metric_sent, "gemeinde", "accepted"), 1);
    dm_metrics_series(metrics, &dm_metric_sent, "gemeinde", "refused");
    g_autofree char *text = text_of(metrics);
    g_autofree char *expected = g_strdup_printf("# HELP demail_sent %s\n# TYPE demail_sent counter\n"
                                                "demail_sent_total{tenant=\"gemeinde\",result=\"accepted\"} 3\n"
                                                "demail_sent_total{tenant=\"gemeinde\",result=\"refused\"} 0\n",
                                                dm_metric_sent.help);
    assert_string_equal(text, expected);
}

static void test_values_are_escaped(void **state)
{
    g_autoptr(DmMetrics) metrics = dm_metrics_new();

    (void)state;
    dm_metrics_series(metrics, &dm_metric_sent, "a\"b\\c\nd\xff", "accepted");
    g_autofree char *text = text_of(metrics);
    assert_line(text, "demail_sent_total{tenant=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\",result=\"accepted\"} 0");
}

static void test_histogram(void **state)
{
    g_autoptr(DmMetrics) metrics = dm_metrics_new();
    DmSeries *series = dm_metrics_series(metrics, &dm_metric_poll_duration, "gemeinde");

    (void)state;
    dm_series_observe(series, 50000); /* a bound belongs to its bucket */
    dm_series_observe(series, 50001);
    dm_series_observe(series, 400000000);
    g_autofree char *text = text_of(metrics);
    assert_line(text, "# TYPE demail_poll_duration_seconds histogram");
    assert_line(text, "# UNIT demail_poll_duration_seconds seconds");
    assert_line(text, "demail_poll_duration_seconds_bucket{tenant=\"gemeinde\",le=\"0.05\"} 1");
    assert_line(text, "demail_poll_duration_seconds_bucket{tenant=\"gemeinde\",le=\"0.1\"} 2");
    assert_line(text, "demail_poll_duration_seconds_bucket{tenant=\"gemeinde\",le=\"300\"} 2");
    assert_line(text, "demail_poll_duration_seconds_bucket{tenant=\"gemeinde\",le=\"+Inf\"} 3");
    assert_line(text, "demail_poll_duration_seconds_count{tenant=\"gemeinde\"} 3");
    assert_line(text, "demail_poll_duration_seconds_sum{tenant=\"gemeinde\"} 400.100001");
}

static void test_without_labels(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);

    (void)state;
    dm_exposition_add(text, &dm_metric_open_age, NULL, -7);
    assert_string_equal(text->str, "demail_open_submission_age_seconds -7\n");
}

static void test_number_of_series_is_bounded(void **state)
{
    g_autoptr(DmMetrics) metrics = dm_metrics_new();
    DmSeries *last = NULL;

    (void)state;
    for (guint i = 0; i <= DM_METRICS_SERIES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("t%u", i);
        last = dm_metrics_series(metrics, &dm_metric_undeliverable, name);
        assert_true((last == NULL) == (i == DM_METRICS_SERIES_MAX));
    }
    dm_series_add(last, 1);
    assert_non_null(dm_metrics_series(metrics, &dm_metric_undeliverable, "t0"));
    assert_null(dm_metrics_series(NULL, &dm_metric_undeliverable, "t0"));
}

static gpointer count(gpointer data)
{
    for (guint i = 0; i < 10000; i++)
        dm_series_add(dm_metrics_series(data, &dm_metric_undeliverable, "gemeinde"), 1);
    return NULL;
}

static void test_threads(void **state)
{
    g_autoptr(DmMetrics) metrics = dm_metrics_new();
    GThread *threads[4];

    (void)state;
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("count", count, metrics);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_autofree char *text = text_of(metrics);
    assert_line(text, "demail_undeliverable_total{tenant=\"gemeinde\"} 40000");
}

static void test_file(void **state)
{
    g_autofree char *path = g_strconcat(*state, "/metrics.prom", NULL);
    g_autoptr(DmMetrics) metrics = dm_metrics_new();
    DmSeries *series = dm_metrics_series(metrics, &dm_metric_undeliverable, "gemeinde");
    gboolean up = TRUE;
    struct stat info;

    g_autofree char *before = dm_metrics_file_read(path, &up);
    assert_string_equal(before, "");
    assert_false(up);

    g_autoptr(GString) text = g_string_new("demail_up 1\n" DM_EXPOSITION_END);
    DmMetricsFile *file = dm_metrics_file_new(path);
    dm_metrics_file_write(file, text);
    dm_metrics_file_write(file, text);
    g_autofree char *running = dm_metrics_file_read(path, &up);
    assert_string_equal(running, "demail_up 1\n");
    assert_true(up);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    dm_metrics_file_free(file);

    g_autofree char *ended = dm_metrics_file_read(path, &up);
    assert_string_equal(ended, "demail_up 1\n");
    assert_false(up);

    DmMetricsWriter *writer = dm_metrics_writer_start(metrics, path);
    dm_series_add(series, 5);
    dm_metrics_writer_stop(writer);
    g_autofree char *last = dm_metrics_file_read(path, &up);
    assert_line(last, "demail_undeliverable_total{tenant=\"gemeinde\"} 5");
    assert_false(up);
}

static void test_file_that_can_not_be_written(void **state)
{
    g_autofree char *path = g_strconcat(*state, "/nowhere/metrics.prom", NULL);
    g_autoptr(GError) error = NULL;

    assert_false(dm_metrics_file_replace(path, "x", 1, 0644, NULL, &error));
    assert_non_null(strstr(error->message, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_values_are_escaped),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_without_labels),
        cmocka_unit_test(test_number_of_series_is_bounded),
        cmocka_unit_test(test_threads),
        cmocka_unit_test_setup_teardown(test_file, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_file_that_can_not_be_written, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
