/*
 * Every metric that there is: name, meaning, unit and labels. The one place that knows them all; demailctl(8) lists
 * them.
 *
 * Labels hold names of the configuration, files that it names, and words of this program: never an address, a message
 * or anything else that grows with the mail.
 */
#ifndef DEMAIL_COMMON_METRIC_FAMILIES_H
#define DEMAIL_COMMON_METRIC_FAMILIES_H

#define DM_METRIC_LABELS_MAX 3

typedef enum { DM_METRIC_COUNTER, DM_METRIC_GAUGE, DM_METRIC_HISTOGRAM } DmMetricKind;

typedef struct {
    const char *name; /* with its unit at the end; a counter without "_total" */
    DmMetricKind kind;
    const char *unit; /* NULL if it has none */
    const char *help;
    const char *labels[DM_METRIC_LABELS_MAX + 1]; /* NULL-terminated */
} DmMetricFamily;

/* demail-milter's */
extern const DmMetricFamily dm_metric_milter_decisions;

/* What demail-poller counts */
extern const DmMetricFamily dm_metric_sent;
extern const DmMetricFamily dm_metric_received;
extern const DmMetricFamily dm_metric_confirmations;
extern const DmMetricFamily dm_metric_undeliverable;
extern const DmMetricFamily dm_metric_submission_duration;
extern const DmMetricFamily dm_metric_poll_duration;

/* How things are now: demail-poller's, or demailctl's while it does not run */
extern const DmMetricFamily dm_metric_provider_up;
extern const DmMetricFamily dm_metric_last_poll;
extern const DmMetricFamily dm_metric_unacknowledged_age;
extern const DmMetricFamily dm_metric_open_age;
extern const DmMetricFamily dm_metric_open_recipients;
extern const DmMetricFamily dm_metric_quota_used;
extern const DmMetricFamily dm_metric_quota;
extern const DmMetricFamily dm_metric_password_remaining;
extern const DmMetricFamily dm_metric_certificate_remaining;
extern const DmMetricFamily dm_metric_send_remaining;
extern const DmMetricFamily dm_metric_receive_remaining;
extern const DmMetricFamily dm_metric_table_age;
extern const DmMetricFamily dm_metric_table_stale;
extern const DmMetricFamily dm_metric_trust_list_age;
extern const DmMetricFamily dm_metric_crl_remaining;
extern const DmMetricFamily dm_metric_warning;

/* demailctl's */
extern const DmMetricFamily dm_metric_up;

#endif
