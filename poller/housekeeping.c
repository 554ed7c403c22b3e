#include "poller/housekeeping.h"

#include "common/log.h"
#include "poller/archive_settle.h"
#include "poller/settle.h"

#define SETTLE_SECONDS 300
#define EXPIRE_SECONDS 3600
#define DAY_SECONDS    86400

struct DmHousekeeping {
    DmSettler settler;
    DmArchives *archives;
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean due; /* at once */
    gboolean stopping;
    gboolean ended;
};

static gboolean going(gpointer data)
{
    DmHousekeeping *h = data;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&h->lock);

    return !h->stopping;
}

static void complain(const GError *error)
{
    dm_log(DM_LOG_ERROR, "journal-failed", DM_S("reason", error->message));
}

static void expire(DmHousekeeping *h, const DmGateway *gateway)
{
    gint64 before = g_get_real_time() / G_USEC_PER_SEC - gateway->config->keep_days * DAY_SECONDS;
    g_autoptr(GError) error = NULL;
    guint expired = 0;

    if (!dm_journal_expire(h->settler.journal, before, going, h, &expired, &error))
        complain(error);
    if (expired > 0)
        dm_log(DM_LOG_INFO, "expired", DM_N("messages", expired), DM_N("keep_days", gateway->config->keep_days));
}

static void settle(DmHousekeeping *h, const DmGateway *gateway)
{
    g_autoptr(GError) error = NULL;

    if (!dm_settle(&h->settler, gateway, &error))
        complain(error);
    dm_archive_settle(h->archives, h->settler.submitter, h->settler.journal, gateway, going, h);
}

/* FALSE at the end. */
static gboolean wait_for_round(DmHousekeeping *h)
{
    gint64 end = g_get_monotonic_time() + (gint64)SETTLE_SECONDS * G_USEC_PER_SEC;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&h->lock);

    while (!h->stopping && !h->due && g_cond_wait_until(&h->changed, &h->lock, end))
        continue;
    h->due = FALSE;
    return !h->stopping;
}

static gpointer run(gpointer data)
{
    DmHousekeeping *h = data;
    gint64 next_expiry = g_get_monotonic_time() + (gint64)EXPIRE_SECONDS * G_USEC_PER_SEC;

    do {
        g_autoptr(DmGateway) gateway = dm_gateway_current();

        settle(h, gateway);
        if (g_get_monotonic_time() >= next_expiry) {
            expire(h, gateway);
            next_expiry = g_get_monotonic_time() + (gint64)EXPIRE_SECONDS * G_USEC_PER_SEC;
        }
    } while (wait_for_round(h));
    g_mutex_lock(&h->lock);
    h->ended = TRUE;
    g_cond_broadcast(&h->changed);
    g_mutex_unlock(&h->lock);
    return NULL;
}

DmHousekeeping *dm_housekeeping_start(DmChannels *channels, DmSubmitter *submitter, DmJournal *journal,
                                      DmArchives *archives)
{
    DmHousekeeping *h = g_new0(DmHousekeeping, 1);

    h->settler = (DmSettler){channels, submitter, journal, going, h};
    h->archives = archives;
    g_mutex_init(&h->lock);
    g_cond_init(&h->changed);
    h->thread = g_thread_new("housekeeping", run, h);
    return h;
}

void dm_housekeeping_update(DmHousekeeping *h)
{
    g_mutex_lock(&h->lock);
    h->due = TRUE;
    g_cond_broadcast(&h->changed);
    g_mutex_unlock(&h->lock);
}

gboolean dm_housekeeping_stop(DmHousekeeping *h, guint seconds)
{
    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

    if (!h)
        return TRUE;
    g_mutex_lock(&h->lock);
    h->stopping = TRUE;
    g_cond_broadcast(&h->changed);
    while (!h->ended && g_cond_wait_until(&h->changed, &h->lock, end))
        continue;

    gboolean ended = h->ended;

    g_mutex_unlock(&h->lock);
    if (!ended)
        return FALSE;
    g_thread_join(h->thread);
    g_mutex_clear(&h->lock);
    g_cond_clear(&h->changed);
    g_free(h);
    return TRUE;
}
