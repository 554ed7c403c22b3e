#include "poller/trust_keeper.h"

#include "common/gateway.h"
#include "common/log.h"
#include "poller/trust_fetch.h"
#include "poller/trust_rules.h"
#include "poller/trust_store.h"

#define DAY 86400

struct DmTrustKeeper {
    GThread *thread;
    gint cancel; /* atomic */
    GMutex lock; /* guards what follows */
    GCond changed;
    gboolean stopping;
    guint generation; /* counts updates */
};

/* What the thread knows under one configuration. */
typedef struct {
    DmTrustKeeper *keeper;
    DmConfig *config;
    GString *bytes;    /* the list in force as it was fetched, */
    DmTrustList *list; /* and read; both or none */
    DmTrustMark mark;
    guint failures;
    char *reason; /* of the last failure */
    gint64 next_fetch;
    gint64 warned; /* when the log was told last that the list has expired */
} Keeping;

static gint64 now_seconds(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static char *format_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = seconds != 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;

    return time ? g_date_time_format_iso8601(time) : NULL;
}

static DmTrustList *read_list(const Keeping *keeping, const GString *bytes, gint64 now, GError **error)
{
    X509 *signer = dm_trust_list_signer(keeping->config->trust_list_signer, error);
    DmTrustList *list = signer ? dm_trust_list_read(bytes->str, bytes->len, signer, now, NULL, error) : NULL;

    X509_free(signer);
    return list;
}

/* Takes both. It is in force once the milter can read it; FALSE if its table can't be written, which each round tries
 * again. */
static gboolean put_in_force(Keeping *keeping, GString *bytes, DmTrustList *list, const char *from, GError **error)
{
    g_autofree char *issued = format_time(list->issued);
    g_autofree char *next_update = format_time(list->next_update);

    if (keeping->bytes)
        g_string_free(keeping->bytes, TRUE);
    dm_trust_list_free(keeping->list);
    keeping->bytes = bytes;
    keeping->list = list;
    keeping->warned = 0;
    if (!dm_trust_store_write_table(keeping->config->state_dir, list, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "trust-list-in-force", DM_S("from", from), DM_N("sequence", list->sequence),
           DM_S("issued", issued), DM_S("next_update", next_update), DM_N("domains", list->domains->len));
    return TRUE;
}

/* One line for each change. */
static void note_result(Keeping *keeping, const GError *error)
{
    if (error && g_strcmp0(keeping->reason, error->message) != 0)
        dm_log(DM_LOG_WARNING, "trust-list-failed", DM_S("url", keeping->config->trust_list_url),
               DM_S("reason", error->message),
               DM_S("effect", keeping->list ? "the last good list stays in force" : "there is no list"));
    if (!error && keeping->reason)
        dm_log(DM_LOG_INFO, "trust-list-recovered", DM_S("url", keeping->config->trust_list_url));
    g_free(keeping->reason);
    keeping->reason = error ? g_strdup(error->message) : NULL;
    keeping->failures = error ? keeping->failures + 1 : 0;
}

static void load_kept(Keeping *keeping)
{
    const char *state_dir = keeping->config->state_dir;
    g_autoptr(GError) error = NULL;
    GString *bytes = dm_trust_store_load(state_dir, &error);
    DmTrustList *list = bytes ? read_list(keeping, bytes, now_seconds(), &error) : NULL;

    if (list) {
        if (!put_in_force(keeping, bytes, list, "state_dir", &error))
            note_result(keeping, error);
        return;
    }
    if (bytes)
        g_string_free(bytes, TRUE);
    if (error)
        dm_log(DM_LOG_WARNING, "trust-list-not-kept", DM_S("reason", error->message),
               DM_S("effect", "its table stays until a good list is fetched"));
}

/* A list that is not taken must be fetched whole again: "unchanged" would make it look good. */
static gboolean take_fetched(Keeping *keeping, GString *bytes, gint64 now, GError **error)
{
    DmTrustList *list = read_list(keeping, bytes, now, error);

    if (list && dm_trust_may_follow(keeping->list, list, now, error) &&
        dm_trust_store_save(keeping->config->state_dir, bytes, error))
        return put_in_force(keeping, bytes, list, keeping->config->trust_list_url, error);
    dm_trust_list_free(list);
    g_string_free(bytes, TRUE);
    dm_trust_mark_clear(&keeping->mark);
    return FALSE;
}

static gboolean fetch(Keeping *keeping, gint64 now, GError **error)
{
    const DmTrustSource source = {keeping->config->trust_list_url, keeping->config->trust_list_ca_file,
                                  &keeping->keeper->cancel};
    GString *bytes = g_string_new(NULL);
    DmTrustFetch fetched = dm_trust_fetch(&source, &keeping->mark, bytes, error);

    if (fetched == DM_TRUST_FETCHED && !(keeping->bytes && g_string_equal(bytes, keeping->bytes)))
        return take_fetched(keeping, bytes, now, error);
    g_string_free(bytes, TRUE);
    return fetched != DM_TRUST_FAILED;
}

/* A status may have begun since the list was read. */
static void read_again(Keeping *keeping, gint64 now)
{
    DmTrustList *list = keeping->list ? read_list(keeping, keeping->bytes, now, NULL) : NULL;

    if (!list)
        return;
    dm_trust_list_free(keeping->list);
    keeping->list = list;
}

static void warn_if_expired(Keeping *keeping, gint64 now)
{
    if (!keeping->list || !dm_trust_list_expired(keeping->list, now) || now - keeping->warned < DAY)
        return;

    g_autofree char *next_update = format_time(keeping->list->next_update);
    dm_log(DM_LOG_WARNING, "trust-list-expired", DM_N("sequence", keeping->list->sequence),
           DM_S("next_update", next_update), DM_S("effect", "it stays in force until there is a newer one"));
    keeping->warned = now;
}

/* What is due now. Returns when something will be due again. */
static gint64 make_round(Keeping *keeping)
{
    gint64 now = now_seconds();

    if (now >= keeping->next_fetch) {
        g_autoptr(GError) error = NULL;
        gboolean good = fetch(keeping, now, &error);

        if (g_atomic_int_get(&keeping->keeper->cancel) != 0)
            return now;
        read_again(keeping, now);
        if (keeping->list)
            dm_trust_store_write_table(keeping->config->state_dir, keeping->list, good ? &error : NULL);
        note_result(keeping, error);
        keeping->next_fetch =
            dm_trust_next_fetch(now, keeping->list ? keeping->list->next_update : 0, keeping->failures);
    }
    warn_if_expired(keeping, now);
    if (keeping->list && keeping->list->next_update >= now)
        return MIN(keeping->next_fetch, keeping->list->next_update + 1);
    return keeping->next_fetch;
}

/* TRUE when it is time to look again under the same configuration, FALSE when there is another or the end. */
static gboolean wait_until(DmTrustKeeper *keeper, gint64 when, guint generation)
{
    gint64 seconds = CLAMP(when - now_seconds(), 0, DAY);
    gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keeper->lock);

    while (!keeper->stopping && keeper->generation == generation) {
        if (!g_cond_wait_until(&keeper->changed, &keeper->lock, end))
            return !keeper->stopping && keeper->generation == generation;
    }
    return FALSE;
}

/* FALSE at the end. */
static gboolean wait_for_update(DmTrustKeeper *keeper, guint *generation)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&keeper->lock);

    while (!keeper->stopping && keeper->generation == *generation)
        g_cond_wait(&keeper->changed, &keeper->lock);
    *generation = keeper->generation;
    return !keeper->stopping;
}

static void keep(DmTrustKeeper *keeper, DmConfig *config, guint generation)
{
    Keeping keeping = {.keeper = keeper, .config = config};

    load_kept(&keeping);
    while (wait_until(keeper, make_round(&keeping), generation))
        continue;
    if (keeping.bytes)
        g_string_free(keeping.bytes, TRUE);
    dm_trust_list_free(keeping.list);
    dm_trust_mark_clear(&keeping.mark);
    g_free(keeping.reason);
}

static gpointer run(gpointer data)
{
    DmTrustKeeper *keeper = data;
    guint generation = 0;

    do {
        g_autoptr(DmGateway) gateway = dm_gateway_current();

        if (gateway && gateway->config->trust_list_url[0] != '\0')
            keep(keeper, gateway->config, generation);
    } while (wait_for_update(keeper, &generation));
    return NULL;
}

DmTrustKeeper *dm_trust_keeper_start(void)
{
    DmTrustKeeper *keeper = g_new0(DmTrustKeeper, 1);

    g_mutex_init(&keeper->lock);
    g_cond_init(&keeper->changed);
    keeper->thread = g_thread_new("trust-list", run, keeper);
    return keeper;
}

void dm_trust_keeper_update(DmTrustKeeper *keeper)
{
    g_mutex_lock(&keeper->lock);
    keeper->generation++;
    g_cond_broadcast(&keeper->changed);
    g_mutex_unlock(&keeper->lock);
}

void dm_trust_keeper_stop(DmTrustKeeper *keeper)
{
    if (!keeper)
        return;
    g_atomic_int_set(&keeper->cancel, 1);
    g_mutex_lock(&keeper->lock);
    keeper->stopping = TRUE;
    g_cond_broadcast(&keeper->changed);
    g_mutex_unlock(&keeper->lock);
    g_thread_join(keeper->thread);
    g_mutex_clear(&keeper->lock);
    g_cond_clear(&keeper->changed);
    g_free(keeper);
}
