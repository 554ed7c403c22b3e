#include "poller/watch.h"

#include "common/exposition.h"
#include "common/facts_file.h"
#include "common/gauges.h"
#include "common/log.h"
#include "common/metrics_file.h"
#include "poller/tally.h"

struct DmWatch {
    DmChannels *channels;
    DmJournal *journal;
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean due; /* at once */
    gboolean stopping;

    /* Of the thread alone. */
    DmMetricsFile *file;
    DmFacts *facts;      /* the last */
    GPtrArray *warnings; /* that followed from them */
    gboolean failing;    /* to keep the facts, or to read the journal; logged once */
};

static void add_channel(DmTenantFacts *tenant, DmChannel *channel)
{
    DmAccount account;
    DmPollState poll;

    gboolean known = dm_channel_state(channel, &tenant->state, &account, &poll);

    if (poll.last != 0)
        tenant->last_poll = poll.last;
    if (tenant->polled_since == 0)
        tenant->polled_since = poll.since;
    tenant->unacknowledged = poll.waiting;
    if (!known)
        return;
    tenant->password_expires = account.password_expires;
    tenant->quota_used = account.quota_used;
    tenant->quota_total = account.quota_total;
}

/* After a reload, and a start, what was known holds until there is something newer: a warning is not over because
 * nobody has asked yet. */
static void carry_over(const DmFacts *last, DmTenantFacts *tenant)
{
    const DmTenantFacts *before = dm_facts_tenant(last, tenant->name);

    if (!before || !g_str_equal(before->account, tenant->account) || !g_str_equal(before->provider, tenant->provider))
        return;
    tenant->last_poll = before->last_poll;
    tenant->polled_since = before->polled && tenant->polled ? before->polled_since : 0;
    tenant->password_expires = before->password_expires;
    tenant->quota_used = before->quota_used;
    tenant->quota_total = before->quota_total;
}

/* What the last life of this process left, but for how long it has been waiting. */
static DmFacts *first_facts(DmConfig *config)
{
    DmFacts *facts = dm_facts_new(config, g_get_real_time() / G_USEC_PER_SEC);

    dm_facts_load(facts);
    for (guint i = 0; i < facts->tenants->len; i++)
        ((DmTenantFacts *)g_ptr_array_index(facts->tenants, i))->polled_since = 0;
    return facts;
}

static DmFacts *gather(const DmWatch *watch, const DmGateway *gateway, gint64 now, GError **error)
{
    DmFacts *facts = dm_facts_new(gateway->config, now);

    for (guint i = 0; i < facts->tenants->len; i++) {
        g_autoptr(DmChannel) channel =
            dm_channels_peek(watch->channels, gateway, g_ptr_array_index(gateway->config->tenants, i));

        carry_over(watch->facts, g_ptr_array_index(facts->tenants, i));
        if (channel)
            add_channel(g_ptr_array_index(facts->tenants, i), channel);
    }
    (void)dm_facts_add_journal(facts, watch->journal, error);
    return facts;
}

static void log_changes(const GPtrArray *old, const GPtrArray *new)
{
    for (guint i = 0; i < new->len; i++) {
        const DmWarning *warning = g_ptr_array_index(new, i);
        const DmWarning *before = dm_warning_same(old, warning);

        if (!before || before->stage != warning->stage)
            dm_log(DM_LOG_WARNING, "warning", DM_S("kind", warning->kind), DM_S("subject", warning->subject),
                   DM_S("text", warning->text));
    }
    for (guint i = 0; i < old->len; i++) {
        const DmWarning *warning = g_ptr_array_index(old, i);

        if (!dm_warning_same(new, warning))
            dm_log(DM_LOG_INFO, "warning-over", DM_S("kind", warning->kind), DM_S("subject", warning->subject));
    }
}

static void write_metrics(const DmWatch *watch, const DmGateway *gateway, const DmFacts *facts, gint64 now)
{
    g_autoptr(GString) text = g_string_new(NULL);

    dm_metrics_append(gateway->metrics, text);
    dm_gauges_append(text, facts, watch->warnings, now);
    g_string_append(text, DM_EXPOSITION_END);
    dm_metrics_file_write(watch->file, text);
}

static void look(DmWatch *watch)
{
    g_autoptr(DmGateway) gateway = dm_gateway_current();
    g_autoptr(GError) error = NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    DmFacts *facts = gather(watch, gateway, now, &error);
    GPtrArray *warnings = dm_warnings_find(facts, now);

    log_changes(watch->warnings, warnings);
    g_ptr_array_unref(watch->warnings);
    watch->warnings = warnings;
    dm_tally_prepare(gateway->metrics, gateway->config);
    write_metrics(watch, gateway, facts, now);

    gboolean good = !error && dm_facts_save(facts, &error);

    if (!good && !watch->failing)
        dm_log(DM_LOG_ERROR, "watch-failed", DM_S("reason", error->message));
    watch->failing = !good;
    dm_facts_free(watch->facts);
    watch->facts = facts;
}

/* FALSE at the end. */
static gboolean wait_for_round(DmWatch *watch)
{
    gint64 end = g_get_monotonic_time() + DM_METRICS_SECONDS * G_USEC_PER_SEC;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&watch->lock);

    while (!watch->stopping && !watch->due && g_cond_wait_until(&watch->changed, &watch->lock, end))
        continue;
    watch->due = FALSE;
    return !watch->stopping;
}

static gpointer run(gpointer data)
{
    do
        look(data);
    while (wait_for_round(data));
    look(data);
    return NULL;
}

DmWatch *dm_watch_start(DmChannels *channels, DmJournal *journal)
{
    g_autoptr(DmGateway) gateway = dm_gateway_current();
    g_autofree char *path = g_build_filename(gateway->config->state_dir, DM_POLLER_METRICS_FILE, NULL);
    DmWatch *watch = g_new0(DmWatch, 1);

    watch->channels = channels;
    watch->journal = journal;
    watch->file = dm_metrics_file_new(path);
    watch->facts = first_facts(gateway->config);
    watch->warnings = g_ptr_array_new();
    g_mutex_init(&watch->lock);
    g_cond_init(&watch->changed);
    watch->thread = g_thread_new("watch", run, watch);
    return watch;
}

void dm_watch_update(DmWatch *watch)
{
    g_mutex_lock(&watch->lock);
    watch->due = TRUE;
    g_cond_broadcast(&watch->changed);
    g_mutex_unlock(&watch->lock);
}

void dm_watch_stop(DmWatch *watch)
{
    if (!watch)
        return;
    g_mutex_lock(&watch->lock);
    watch->stopping = TRUE;
    g_cond_broadcast(&watch->changed);
    g_mutex_unlock(&watch->lock);
    g_thread_join(watch->thread);
    dm_metrics_file_free(watch->file);
    dm_facts_free(watch->facts);
    g_ptr_array_unref(watch->warnings);
    g_cond_clear(&watch->changed);
    g_mutex_clear(&watch->lock);
    g_free(watch);
}
