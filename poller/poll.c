#include "poller/poll.h"

#include "common/log.h"
#include "poller/receive.h"
#include "poller/tally.h"

#define BACKOFF_MAX     900 /* seconds */
#define LIST_MAX        5000U
#define ACCOUNT_SECONDS 3600U /* between two questions for the account: quota, end of the password */

struct DmPolls {
    DmChannels *channels;
    DmJournal *journal;
    DmArchives *archives;
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
    gboolean caught_up;    /* with what the last life of this process left, see dm_receive_catch_up() */
    char *catch_up_reason; /* why not, the last; each is logged once */
    guint failures;        /* rounds in a row in which the provider or the MTA could not be reached */
    GHashTable *waiting;   /* message -> Waiting: what could not be received yet */
    gboolean more;         /* the last round left messages that no list has shown yet */
    char *last_shown;      /* the last message of a full list, after which the next round was at once; or NULL */
    char *list_reason;
} Poll;

/* One message that has to wait; the others do not. */
typedef struct {
    gint64 since; /* seconds since the epoch */
    guint failures;
    gint64 next_try; /* monotonic microseconds */
    char *reason;    /* the last; each is logged once */
} Waiting;

DmPolls *dm_polls_new(DmChannels *channels, DmJournal *journal, DmArchives *archives)
{
    DmPolls *polls = g_new0(DmPolls, 1);

    polls->channels = channels;
    polls->journal = journal;
    polls->archives = archives;
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
    if (id)
        dm_log(DM_LOG_WARNING, "receive-failed", DM_S("tenant", poll->tenant), DM_S("id", id), DM_S("reason", reason));
    else
        dm_log(DM_LOG_WARNING, "poll-failed", DM_S("tenant", poll->tenant), DM_S("reason", reason));
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

/* Seconds to wait after so many failures in a row, from `first` on twice as long after each. */
static gint64 back_off(gint64 first, guint failures)
{
    gint64 seconds = first;

    for (guint i = 0; i < failures && seconds < BACKOFF_MAX; i++)
        seconds = MIN(seconds * 2, BACKOFF_MAX);
    return seconds;
}

static void waiting_free(gpointer data)
{
    Waiting *waiting = data;

    g_free(waiting->reason);
    g_free(waiting);
}

static GHashTable *waiting_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, waiting_free);
}

static void note_failure(const Poll *poll, Waiting *waiting, const char *id, gint64 interval, const GError *error)
{
    if (g_strcmp0(waiting->reason, error->message) != 0)
        log_failure(poll, id, error->message);
    g_free(waiting->reason);
    waiting->reason = g_strdup(error->message);
    /* That concerns the whole round. */
    if (g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
        return;
    waiting->next_try = g_get_monotonic_time() + back_off(interval, waiting->failures) * G_USEC_PER_SEC;
    waiting->failures++;
}

/* The messages of a list that wait, and no others. */
static void keep_waiting(Poll *poll, const GPtrArray *entries)
{
    GHashTable *kept = waiting_new();

    for (guint i = 0; i < entries->len; i++) {
        gpointer id, waiting;

        if (g_hash_table_steal_extended(poll->waiting, ((const DmEntry *)g_ptr_array_index(entries, i))->id, &id,
                                        &waiting))
            g_hash_table_insert(kept, id, waiting);
    }
    g_hash_table_unref(poll->waiting);
    poll->waiting = kept;
}

/* Receives one message if it is its time. FALSE if neither this nor any other can be had now. */
static gboolean receive_one(const Poll *poll, const DmReceiver *receiver, const DmEntry *entry)
{
    Waiting *waiting = g_hash_table_lookup(poll->waiting, entry->id);
    g_autoptr(GError) error = NULL;

    if (waiting && g_get_monotonic_time() < waiting->next_try)
        return TRUE;
    if (dm_receive(receiver, entry, &error)) {
        g_hash_table_remove(poll->waiting, entry->id);
        return TRUE;
    }
    if (!waiting) {
        waiting = g_new0(Waiting, 1);
        waiting->since = g_get_real_time() / G_USEC_PER_SEC;
        g_hash_table_insert(poll->waiting, g_strdup(entry->id), waiting);
    }
    note_failure(poll, waiting, entry->id, receiver->tenant->provider->poll_interval, error);
    return !g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE);
}

/* Receives what is new. FALSE if the provider or the MTA could not be reached. */
static gboolean receive_all(Poll *poll, const DmReceiver *receiver, const GPtrArray *entries)
{
    keep_waiting(poll, entries);
    for (guint i = 0; i < entries->len && !is_stopping(poll->polls); i++) {
        if (!receive_one(poll, receiver, g_ptr_array_index(entries, i)))
            return FALSE;
    }
    return TRUE;
}

/* Since when the oldest message waits; 0: none does. */
static gint64 waiting_since(const Poll *poll)
{
    GHashTableIter iter;
    gpointer waiting;
    gint64 oldest = 0;

    g_hash_table_iter_init(&iter, poll->waiting);
    while (g_hash_table_iter_next(&iter, NULL, &waiting)) {
        if (oldest == 0 || ((const Waiting *)waiting)->since < oldest)
            oldest = ((const Waiting *)waiting)->since;
    }
    return oldest;
}

static void catch_up(Poll *poll, const DmReceiver *receiver)
{
    g_autoptr(GError) error = NULL;

    if (poll->caught_up)
        return;
    poll->caught_up = dm_receive_catch_up(receiver, &error);
    if (!poll->caught_up && g_strcmp0(poll->catch_up_reason, error->message) != 0)
        log_failure(poll, NULL, error->message);
    g_free(poll->catch_up_reason);
    poll->catch_up_reason = error ? g_strdup(error->message) : NULL;
}

/* After a round: whether its list did not show all. A full one that ends as the one before did is the same again, and
 * nothing of it goes away now: then there is a pause, as always. */
static gboolean find_more(Poll *poll, const GPtrArray *entries)
{
    gboolean full = entries->len >= LIST_MAX && g_hash_table_size(poll->waiting) < entries->len;
    const char *last = full ? ((const DmEntry *)g_ptr_array_index(entries, entries->len - 1))->id : NULL;
    gboolean more = last && g_strcmp0(last, poll->last_shown) != 0;

    g_free(poll->last_shown);
    poll->last_shown = more ? g_strdup(last) : NULL;
    return more;
}

static gboolean poll_once(Poll *poll, const DmGateway *gateway, const DmTenantConfig *tenant)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(DmChannel) channel = dm_channels_get(poll->polls->channels, gateway, tenant, &error);
    DmArchive *archive;

    if (!channel) {
        /* Unavailable: a reload came in between, and the next round is at once. */
        if (!g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
            note_list(poll, error);
        return FALSE;
    }
    /* The channel logs why. */
    if (!dm_channel_ready(channel, &error))
        return FALSE;
    if (!dm_archives_get(poll->polls->archives, tenant, &archive, &error)) {
        note_list(poll, error);
        return FALSE;
    }
    if (!dm_channel_driver(channel)->list(dm_channel_provider(channel), LIST_MAX, &entries, &error)) {
        dm_channel_failed(channel, error);
        /* The channel has logged that the provider is down. */
        if (!g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
            note_list(poll, error);
        return FALSE;
    }
    note_list(poll, NULL);

    g_autoptr(DmInjector) injector = dm_injector_new();
    const DmReceiver receiver = {gateway, tenant, channel, poll->polls->journal, archive, injector};
    gboolean done = receive_all(poll, &receiver, entries);

    dm_channel_polled(channel, done, waiting_since(poll));
    if (!done)
        return FALSE;
    poll->more = find_more(poll, entries);
    catch_up(poll, &receiver);
    dm_channel_ask_account(channel, ACCOUNT_SECONDS);
    return TRUE;
}

/* Microseconds until the next round: the interval, twice as long after each failure, ±10 % so that the tenants of a
 * provider do not all come at once. */
static gint64 pause_after(const Poll *poll, gint64 interval)
{
    gint64 seconds = back_off(interval, poll->failures);

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
    g_hash_table_unref(poll->waiting);
    g_free(poll->last_shown);
    g_free(poll->list_reason);
    g_free(poll->catch_up_reason);
    g_free(poll->tenant);
    g_free(poll);
}

/* After a reload everything is tried at once: it may have been made for what waits. */
static void end_waiting(const Poll *poll)
{
    GHashTableIter iter;
    gpointer waiting;

    g_hash_table_iter_init(&iter, poll->waiting);
    while (g_hash_table_iter_next(&iter, NULL, &waiting))
        ((Waiting *)waiting)->next_try = 0;
}

static gpointer run(gpointer data)
{
    Poll *poll = data;
    guint last = 0;

    for (;;) {
        g_autoptr(DmGateway) gateway = NULL;
        guint generation;
        const DmTenantConfig *tenant = next_round(poll, &gateway, &generation);

        if (!tenant)
            break;
        if (generation != last)
            end_waiting(poll);
        last = generation;

        gint64 started = g_get_monotonic_time();

        poll->more = FALSE;
        poll->failures = poll_once(poll, gateway, tenant) ? 0 : poll->failures + 1;
        dm_tally_poll(gateway->metrics, poll->tenant, started);

        gint64 pause = poll->more ? 0 : pause_after(poll, tenant->provider->poll_interval);

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
    poll->waiting = waiting_new();
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
