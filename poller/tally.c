#include "poller/tally.h"

static const char *result_word(DmSentState state)
{
    switch (state) {
    case DM_SENT_ACCEPTED:
        return "accepted";
    case DM_SENT_REFUSED:
        return "refused";
    case DM_SENT_DEFERRED:
        return "deferred";
    case DM_SENT_SUBMITTING:
    case DM_SENT_UNKNOWN:
        break;
    }
    return "unknown";
}

static const char *class_word(DmMessageClass message_class)
{
    switch (message_class) {
    case DM_CLASS_NORMAL:
        return "normal";
    case DM_CLASS_CONFIRMATION:
        return "confirmation";
    case DM_CLASS_NOTIFICATION:
        return "notification";
    case DM_CLASS_IDENTIFICATION:
        return "identification";
    case DM_CLASS_UNKNOWN:
        break;
    }
    return "unknown";
}

void dm_tally_prepare(DmMetrics *metrics, const DmConfig *config)
{
    static const DmSentState states[] = {DM_SENT_ACCEPTED, DM_SENT_REFUSED, DM_SENT_DEFERRED, DM_SENT_UNKNOWN};

    for (guint i = 0; i < config->tenants->len; i++) {
        const char *tenant = ((const DmTenantConfig *)g_ptr_array_index(config->tenants, i))->name;

        for (gsize j = 0; j < G_N_ELEMENTS(states); j++)
            dm_tally_sent(metrics, tenant, states[j], 0);
        dm_metrics_series(metrics, &dm_metric_received, tenant, "normal", "pass");
        for (int kind = DM_CLASS_UNKNOWN; kind <= DM_CLASS_IDENTIFICATION; kind++)
            dm_metrics_series(metrics, &dm_metric_received, tenant, class_word((DmMessageClass)kind), "fail");
        for (int event = DM_EVENT_DISPATCHED; event <= DM_EVENT_UNDELIVERABLE; event++)
            dm_metrics_series(metrics, &dm_metric_confirmations, tenant, dm_sent_event_word((DmSentEventKind)event));
        dm_metrics_series(metrics, &dm_metric_undeliverable, tenant);
        dm_metrics_series(metrics, &dm_metric_submission_duration, tenant);
        dm_metrics_series(metrics, &dm_metric_poll_duration, tenant);
    }
}

void dm_tally_sent(DmMetrics *metrics, const char *tenant, DmSentState state, guint64 recipients)
{
    dm_series_add(dm_metrics_series(metrics, &dm_metric_sent, tenant, result_word(state)), recipients);
}

void dm_tally_received(DmMetrics *metrics, const char *tenant, const DmJudgement *judgement)
{
    dm_series_add(dm_metrics_series(metrics, &dm_metric_received, tenant,
                                    class_word(judgement->findings->message_class), dm_judgement_word(judgement)),
                  1);
}

void dm_tally_confirmation(DmMetrics *metrics, const char *tenant, const DmAbout *about)
{
    const char *type = about->message ? dm_sent_event_word(about->event) : "unmatched";

    dm_series_add(dm_metrics_series(metrics, &dm_metric_confirmations, tenant, type), 1);
}

void dm_tally_undeliverable(DmMetrics *metrics, const char *tenant)
{
    dm_series_add(dm_metrics_series(metrics, &dm_metric_undeliverable, tenant), 1);
}

void dm_tally_submission(DmMetrics *metrics, const char *tenant, gint64 started)
{
    dm_series_observe(dm_metrics_series(metrics, &dm_metric_submission_duration, tenant),
                      g_get_monotonic_time() - started);
}

void dm_tally_poll(DmMetrics *metrics, const char *tenant, gint64 started)
{
    dm_series_observe(dm_metrics_series(metrics, &dm_metric_poll_duration, tenant), g_get_monotonic_time() - started);
}
