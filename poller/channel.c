#include "poller/channel.h"

#include "common/log.h"
#include "provider/drivers.h"

#define BACKOFF_FIRST 30  /* seconds, or poll_interval if that is shorter */
#define BACKOFF_MAX   900 /* seconds */

/* Submissions at once to one provider, shared by the channels of its tenants. */
typedef struct {
    gint refs;
    GMutex lock;
    GCond freed;
    gint64 used;
    gint64 max;
} Slots;

struct DmChannel {
    gint refs;
    DmConfig *config; /* keeps `name` and what the driver lent */
    DmMetrics *metrics;
    const char *name; /* of the provider */
    const char *tenant;
    gint64 backoff_first; /* seconds */
    const DmProviderDriver *driver;
    DmProvider *provider;
    Slots *slots;
    GMutex lock; /* guards what follows; held while probing, so that one caller tries for all */
    gboolean down;
    gboolean probed; /* the account is known */
    gint64 backoff;  /* seconds; 0: no failure that asks for one */
    gint64 next_try; /* monotonic microseconds */
    DmAccount account;
    gint64 asked; /* for the account; monotonic microseconds */
    DmPollState poll;
    GError *error; /* while down */
};

struct DmChannels {
    GMutex lock;
    DmConfig *config;
    GHashTable *by_tenant;
    GHashTable *slots; /* by provider */
};

static gint64 now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static void slots_unref(gpointer data)
{
    Slots *slots = data;

    if (!g_atomic_int_dec_and_test(&slots->refs))
        return;
    g_mutex_clear(&slots->lock);
    g_cond_clear(&slots->freed);
    g_free(slots);
}

static Slots *slots_get(DmChannels *channels, const DmProviderConfig *provider)
{
    Slots *slots = g_hash_table_lookup(channels->slots, provider->name);

    if (!slots) {
        slots = g_new0(Slots, 1);
        slots->refs = 1;
        g_mutex_init(&slots->lock);
        g_cond_init(&slots->freed);
        g_hash_table_insert(channels->slots, g_strdup(provider->name), slots);
    }
    g_mutex_lock(&slots->lock);
    slots->max = provider->max_submissions;
    g_cond_broadcast(&slots->freed);
    g_mutex_unlock(&slots->lock);
    g_atomic_int_inc(&slots->refs);
    return slots;
}

DmChannel *dm_channel_ref(DmChannel *channel)
{
    g_atomic_int_inc(&channel->refs);
    return channel;
}

void dm_channel_unref(DmChannel *channel)
{
    if (!channel || !g_atomic_int_dec_and_test(&channel->refs))
        return;
    channel->driver->close(channel->provider);
    slots_unref(channel->slots);
    g_clear_error(&channel->error);
    g_mutex_clear(&channel->lock);
    dm_config_unref(channel->config);
    dm_metrics_unref(channel->metrics);
    g_free(channel);
}

static void channel_free(gpointer channel)
{
    dm_channel_unref(channel);
}

DmChannels *dm_channels_new(void)
{
    DmChannels *channels = g_new0(DmChannels, 1);

    g_mutex_init(&channels->lock);
    channels->by_tenant = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, channel_free);
    channels->slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, slots_unref);
    return channels;
}

void dm_channels_free(DmChannels *channels)
{
    if (!channels)
        return;
    g_hash_table_unref(channels->by_tenant);
    g_hash_table_unref(channels->slots);
    g_clear_pointer(&channels->config, dm_config_unref);
    g_mutex_clear(&channels->lock);
    g_free(channels);
}

static DmChannel *channel_open(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant,
                               GError **error)
{
    const DmProviderDriver *driver = dm_provider_driver(tenant->provider->driver);
    DmProvider *provider;
    DmChannel *channel;

    if (!driver) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "[provider %s] driver: there is no driver %s; the one there is "
                    "is rest",
                    tenant->provider->name, tenant->provider->driver);
        return NULL;
    }
    provider = driver->open(tenant->provider, tenant->account, error);
    if (!provider)
        return NULL;
    channel = g_new0(DmChannel, 1);
    channel->refs = 1;
    channel->config = dm_config_ref(gateway->config);
    channel->metrics = dm_metrics_ref(gateway->metrics);
    channel->poll.since = now();
    channel->name = tenant->provider->name;
    channel->tenant = tenant->name;
    channel->backoff_first = MIN(tenant->provider->poll_interval, BACKOFF_FIRST);
    channel->driver = driver;
    channel->provider = provider;
    channel->slots = slots_get(channels, tenant->provider);
    g_mutex_init(&channel->lock);
    return channel;
}

/* With the lock held: the channels of `config` take the place of the old ones, which are returned. What is under way at
 * the provider goes on counting. */
static GHashTable *take_config(DmChannels *channels, DmConfig *config)
{
    GHashTable *old = channels->by_tenant;

    channels->by_tenant = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, channel_free);
    g_clear_pointer(&channels->config, dm_config_unref);
    channels->config = dm_config_ref(config);
    return old;
}

/* With the lock held. */
static DmChannel *get_or_open(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant,
                              GError **error)
{
    DmChannel *channel;

    if (channels->config != gateway->config) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "the configuration was read anew in the meantime");
        return NULL;
    }
    channel = g_hash_table_lookup(channels->by_tenant, tenant->name);
    if (!channel) {
        channel = channel_open(channels, gateway, tenant, error);
        if (!channel)
            return NULL;
        g_hash_table_insert(channels->by_tenant, g_strdup(tenant->name), channel);
    }
    return dm_channel_ref(channel);
}

DmChannel *dm_channels_get(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant, GError **error)
{
    g_autoptr(DmGateway) current = dm_gateway_current();
    GHashTable *old = NULL;
    DmChannel *channel;

    g_mutex_lock(&channels->lock);
    if (channels->config != gateway->config && gateway == current)
        old = take_config(channels, gateway->config);
    channel = get_or_open(channels, gateway, tenant, error);
    g_mutex_unlock(&channels->lock);
    /* Closing talks to the provider, so not under the lock. */
    g_clear_pointer(&old, g_hash_table_unref);
    return channel;
}

DmChannel *dm_channels_peek(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&channels->lock);
    DmChannel *channel =
        channels->config == gateway->config ? g_hash_table_lookup(channels->by_tenant, tenant->name) : NULL;

    return channel ? dm_channel_ref(channel) : NULL;
}

const DmProviderDriver *dm_channel_driver(const DmChannel *channel)
{
    return channel->driver;
}

DmProvider *dm_channel_provider(const DmChannel *channel)
{
    return channel->provider;
}

/* With the lock held. A provider that answered, but not now, is asked again whenever somebody needs it. */
static void note_down(DmChannel *channel, const GError *error)
{
    if (g_error_matches(error, DM_ERROR, DM_ERROR_TEMPORARY))
        channel->backoff = 0;
    else
        channel->backoff = channel->backoff > 0 ? MIN(channel->backoff * 2, BACKOFF_MAX) : channel->backoff_first;
    channel->next_try = g_get_monotonic_time() + channel->backoff * G_USEC_PER_SEC;
    if (!channel->down)
        dm_log(DM_LOG_WARNING, "provider-down", DM_S("provider", channel->name), DM_S("tenant", channel->tenant),
               DM_S("reason", error->message));
    channel->down = TRUE;
    g_clear_error(&channel->error);
    channel->error = g_error_copy(error);
}

/* With the lock held. A session alone proves nothing after an outage, so the account is asked for, too. */
static gboolean probe(DmChannel *channel, GError **error)
{
    if (!channel->driver->login(channel->provider, error))
        return FALSE;
    if (channel->probed && !channel->down)
        return TRUE;

    DmAccount account = {0};

    if (!channel->driver->account(channel->provider, &account, error))
        return FALSE;
    channel->probed = TRUE;
    channel->account = account;
    channel->asked = g_get_monotonic_time();
    if (channel->down)
        dm_log(DM_LOG_INFO, "provider-up", DM_S("provider", channel->name), DM_S("tenant", channel->tenant));
    channel->down = FALSE;
    channel->backoff = 0;
    return TRUE;
}

gboolean dm_channel_ready(DmChannel *channel, GError **error)
{
    g_autoptr(GError) problem = NULL;
    gboolean ready = FALSE;

    g_mutex_lock(&channel->lock);
    if (channel->down && g_get_monotonic_time() < channel->next_try) {
        problem = g_error_copy(channel->error);
    } else {
        ready = probe(channel, &problem);
        if (!ready)
            note_down(channel, problem);
    }
    g_mutex_unlock(&channel->lock);
    if (!ready)
        g_propagate_error(error, g_steal_pointer(&problem));
    return ready;
}

void dm_channel_failed(DmChannel *channel, const GError *error)
{
    if (!g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE))
        return;
    g_mutex_lock(&channel->lock);
    if (!channel->down)
        note_down(channel, error);
    g_mutex_unlock(&channel->lock);
}

void dm_channel_limits(DmChannel *channel, DmAccount *limits)
{
    g_mutex_lock(&channel->lock);
    *limits = channel->account;
    g_mutex_unlock(&channel->lock);
}

DmMetrics *dm_channel_metrics(const DmChannel *channel)
{
    return channel->metrics;
}

void dm_channel_polled(DmChannel *channel, gboolean done, gint64 waiting)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&channel->lock);

    if (done)
        channel->poll.last = now();
    channel->poll.waiting = waiting;
}

void dm_channel_ask_account(DmChannel *channel, guint seconds)
{
    g_autoptr(GError) error = NULL;
    DmAccount account = {0};
    gint64 asked = g_get_monotonic_time();

    g_mutex_lock(&channel->lock);
    gboolean due = channel->probed && !channel->down && asked - channel->asked >= (gint64)seconds * G_USEC_PER_SEC;
    if (due)
        channel->asked = asked;
    g_mutex_unlock(&channel->lock);
    if (!due)
        return;
    if (!channel->driver->account(channel->provider, &account, &error)) {
        dm_channel_failed(channel, error);
        return;
    }
    g_mutex_lock(&channel->lock);
    channel->account = account;
    g_mutex_unlock(&channel->lock);
}

gboolean dm_channel_state(DmChannel *channel, DmProviderState *state, DmAccount *account, DmPollState *poll)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&channel->lock);

    *state = channel->down ? DM_PROVIDER_DOWN : channel->probed ? DM_PROVIDER_UP : DM_PROVIDER_UNTRIED;
    *account = channel->account;
    *poll = channel->poll;
    return channel->probed;
}

gboolean dm_channel_enter(DmChannel *channel, guint seconds)
{
    Slots *slots = channel->slots;
    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    gboolean entered;

    g_mutex_lock(&slots->lock);
    while (slots->used >= slots->max && g_cond_wait_until(&slots->freed, &slots->lock, end))
        continue;
    entered = slots->used < slots->max;
    if (entered)
        slots->used++;
    g_mutex_unlock(&slots->lock);
    return entered;
}

void dm_channel_leave(DmChannel *channel)
{
    g_mutex_lock(&channel->slots->lock);
    channel->slots->used--;
    g_cond_signal(&channel->slots->freed);
    g_mutex_unlock(&channel->slots->lock);
}
