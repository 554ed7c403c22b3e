#include "poller/poll.h"

#include "common/log.h"
#include "poller/receive.h"

#define BACKOFF_MAX 900 /* seconds */
#define LIST_MAX    5000U

struct DmPolls {
    DmChannels *channels;
    DmJournal *journal;
    GMutex lock;
    GCond changed;
    GHashTable *threads; /* by tenant */
    GPtrArray *finished; /* threads that signed off and are to be joined */
    guint generation;    /* counts updates */
    gboolean stopping;
};

typedef struct {
    DmPolls *polls;
    char *tenant;
    guint failures;      /* rounds in a row */
    GHashTable *reasons; /* message -> why it failed last, so that a reason is logged once */
    char *list_reason;
} Poll;

DmPolls *dm_polls_new(DmChannels *channels, DmJournal *journal)
{
    DmPolls *polls = g_new0(DmPolls, 1);

    polls->channels = channels;
    polls->journal = journal;
    polls->threads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    polls->finished = g_ptr_array_new();
    g_mutex_init(&polls->lock);
    g_cond_init(&polls->changed);
    return polls;
}

static gboolean is_polled(const DmTenantConfig *tenant)
{
    gint64 end = tenant->provider->receive_until;

    return tenant->poll && tenant->direction != DM_DIRECTION_SEND &&
           (end == 0 || g_get_real_time() / G_USEC_PER_SEC < end);
}

static gboolean is_stopping(DmPolls *polls)
{
    gboolean stopping;

    g_mutex_lock(&polls->lock);
    stopping = polls->stopping;
    g_mutex_unlock(&polls->lock);
    return stopping;
}

static void log_failure(const Poll *poll, const char *id, const char *reason)
{
    dm_log(DM_LOG_WARNING, id ? "receive-failed" : "poll-failed", DM_S("tenant", poll->tenant), DM_S("id", id),
           DM_S("reason", reason));
}

static void note_list(Poll *poll, const GError *error)
{
    if (error && g_strcmp0(poll->list_reason, error->message) != 0)
        log_failure(poll, NULL, error->message);
    if (!error && poll->list_reason)
        dm_log(DM_LOG_INFO, "poll-recovered", DM_S("tenant", poll->tenant));
    g_free(poll->list_reason);
    poll->list_reason = error ? g_strdup(error->message) : NULL;
}

/* Receives what is new. TRUE if all of it was. */
static gboolean receive_all(Poll *poll, const DmReceiver *receiver, const GPtrArray *entries)
{
    g_autoptr(GHashTable) before = g_steal_pointer(&poll->reasons);
    gboolean all = TRUE;

    poll->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < entries->len && !is_stopping(poll->polls); i++) {
        const DmEntry *entry = g_ptr_array_index(entries, i);
        g_autoptr(GError) error = NULL;

        if (dm_receive(receiver, entry, &error))
            continue;
        all = FALSE;
        if (g_strcmp0(g_hash_table_lookup(before, entry->id), error->message) != 0)
            log_failure(poll, entry->id, error->message);
        g_hash_table_insert(poll->reasons, g_strdup(entry->id), g_strdup(error->message));
        if (g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
            break;
    }
    return all;
}

static gboolean poll_once(Poll *poll, const DmGateway *gateway, const DmTenantConfig *tenant)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(DmChannel) channel = dm_channels_get(poll->polls->channels, gateway, tenant, &error);

    if (!channel) {
        note_list(poll, error);
        return FALSE;
    }
    if (!dm_channel_ready(channel, &error))
        return FALSE;
    if (!dm_channel_driver(channel)->list(dm_channel_provider(channel), LIST_MAX, &entries, &error)) {
        dm_channel_failed(channel, error);
        /* The channel has logged that the provider is down. */
        if (!g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
            note_list(poll, error);
        return FALSE;
    }
    note_list(poll, NULL);

    const DmReceiver receiver = {gateway, tenant, channel, poll->polls->journal};

    return receive_all(poll, &receiver, entries);
}

/* Microseconds until the next round: the interval, twice as long after each failure, ±10 % so that the tenants of a
 * provider do not all come at once. */
static gint64 pause_after(const Poll *poll, gint64 interval)
{
    gint64 seconds = interval;

    for (guint i = 0; i < poll->failures && seconds < BACKOFF_MAX; i++)
        seconds = MIN(seconds * 2, BACKOFF_MAX);
    return (gint64)((double)(seconds * G_USEC_PER_SEC) * g_random_double_range(0.9, 1.1));
}

/* The tenant in the current configuration; NULL, and the thread is signed off, when it is not to be polled (any more).
 * *generation: of the updates so far. */
static const DmTenantConfig *next_round(const Poll *poll, DmGateway **gateway, guint *generation)
{
    DmPolls *polls = poll->polls;
    const DmTenantConfig *tenant;

    g_mutex_lock(&polls->lock);
    *gateway = dm_gateway_current();
    *generation = polls->generation;
    tenant = dm_config_tenant_by_name((*gateway)->config, poll->tenant);
    if (polls->stopping || !tenant || !is_polled(tenant)) {
        g_ptr_array_add(polls->finished, g_hash_table_lookup(polls->threads, poll->tenant));
        g_hash_table_remove(polls->threads, poll->tenant);
        g_cond_broadcast(&polls->changed);
        tenant = NULL;
    }
    g_mutex_unlock(&polls->lock);
    return tenant;
}

static void wait_for_round(DmPolls *polls, gint64 pause, guint generation)
{
    gint64 end = g_get_monotonic_time() + pause;

    g_mutex_lock(&polls->lock);
    while (!polls->stopping && polls->generation == generation && g_cond_wait_until(&polls->changed, &polls->lock, end))
        continue;
    g_mutex_unlock(&polls->lock);
}

static void poll_free(Poll *poll)
{
    g_hash_table_unref(poll->reasons);
    g_free(poll->list_reason);
    g_free(poll->tenant);
    g_free(poll);
}

static gpointer run(gpointer data)
{
    Poll *poll = data;

    for (;;) {
        g_autoptr(DmGateway) gateway = NULL;
        guint generation;
        const DmTenantConfig *tenant = next_round(poll, &gateway, &generation);

        if (!tenant)
            break;
        poll->failures = poll_once(poll, gateway, tenant) ? 0 : poll->failures + 1;

        gint64 pause = pause_after(poll, tenant->provider->poll_interval);

        g_clear_pointer(&gateway, dm_gateway_unref);
        wait_for_round(poll->polls, pause, generation);
    }
    poll_free(poll);
    return NULL;
}

/* With the lock held. */
static void start(DmPolls *polls, const char *tenant)
{
    Poll *poll = g_new0(Poll, 1);
    g_autoptr(GError) error = NULL;
    GThread *thread;

    poll->polls = polls;
    poll->tenant = g_strdup(tenant);
    poll->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    thread = g_thread_try_new("poll", run, poll, &error);
    if (thread) {
        g_hash_table_insert(polls->threads, g_strdup(tenant), thread);
        return;
    }
    dm_log(DM_LOG_ERROR, "poll-failed", DM_S("tenant", tenant), DM_S("reason", error->message));
    poll_free(poll);
}

/* With the lock held, which a thread that signed off does not need any more. */
static void join_finished(DmPolls *polls)
{
    for (guint i = 0; i < polls->finished->len; i++)
        g_thread_join(g_ptr_array_index(polls->finished, i));
    g_ptr_array_set_size(polls->finished, 0);
}

void dm_polls_update(DmPolls *polls)
{
    g_autoptr(DmGateway) gateway = dm_gateway_current();

    g_mutex_lock(&polls->lock);
    polls->generation++;
    join_finished(polls);
    for (guint i = 0; i < gateway->config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(gateway->config->tenants, i);

        if (is_polled(tenant) && !g_hash_table_contains(polls->threads, tenant->name))
            start(polls, tenant->name);
    }
    g_cond_broadcast(&polls->changed);
    g_mutex_unlock(&polls->lock);
}

gboolean dm_polls_stop(DmPolls *polls, guint seconds)
{
    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    gboolean ended;

    g_mutex_lock(&polls->lock);
    polls->stopping = TRUE;
    g_cond_broadcast(&polls->changed);
    while (g_hash_table_size(polls->threads) > 0 && g_cond_wait_until(&polls->changed, &polls->lock, end))
        continue;
    ended = g_hash_table_size(polls->threads) == 0;
    join_finished(polls);
    g_mutex_unlock(&polls->lock);
    if (!ended)
        return FALSE;
    g_hash_table_unref(polls->threads);
    g_ptr_array_unref(polls->finished);
    g_mutex_clear(&polls->lock);
    g_cond_clear(&polls->changed);
    g_free(polls);
    return TRUE;
}
