#include "milter/counts.h"

static const char *const words[] = {
    [DM_COUNT_ORDINARY] = "ordinary", [DM_COUNT_REROUTED] = "rerouted", [DM_COUNT_DIVERTED] = "diverted",
    [DM_COUNT_AGAIN] = "again",       [DM_COUNT_FAILED] = "failed",
};

typedef struct {
    DmSeries *decisions[G_N_ELEMENTS(words)];
    DmSeries *refusals[DM_REFUSAL_COUNT];
} Counts;

gboolean dm_counts_attach(DmGateway *gateway, GPtrArray *problems)
{
    Counts *counts = g_new0(Counts, 1);

    (void)problems;
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        counts->decisions[i] = dm_metrics_series(gateway->metrics, &dm_metric_milter_decisions, words[i], "", "");
    for (guint i = 0; i < DM_REFUSAL_COUNT; i++) {
        DmRefusal refusal = (DmRefusal)i;
        counts->refusals[i] = dm_metrics_series(gateway->metrics, &dm_metric_milter_decisions,
                                                dm_refusal_smtp_code(refusal) < 500 ? "tempfailed" : "refused",
                                                dm_refusal_rule(refusal), dm_refusal_status(refusal));
    }
    gateway->attached = counts;
    gateway->attached_free = g_free;
    return TRUE;
}

void dm_counts_add(const DmGateway *gateway, DmCount count)
{
    const Counts *counts = gateway->attached;

    dm_series_add(counts->decisions[count], 1);
}

void dm_counts_add_refusal(const DmGateway *gateway, DmRefusal refusal)
{
    const Counts *counts = gateway->attached;

    dm_series_add(counts->refusals[refusal], 1);
}
