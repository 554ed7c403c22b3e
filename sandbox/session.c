#include "sandbox/session.h"

#include "common/log.h"
#include "common/stamp.h"

#define ATTEMPTS_MAX 3

typedef struct {
    const DmAccount *account;
    gint64 end; /* monotonic, microseconds */
} Session;

struct DmSessions {
    GMutex lock;
    gint64 lifetime;
    GHashTable *by_token;
    GHashTable *failures; /* DmAccount * -> wrong passwords in a row */
    DmSessionCounts counts;
};

DmSessions *dm_sessions_new(gint64 lifetime)
{
    DmSessions *sessions = g_new0(DmSessions, 1);
    g_mutex_init(&sessions->lock);
    sessions->lifetime = lifetime;
    sessions->by_token = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    sessions->failures = g_hash_table_new(NULL, NULL);
    return sessions;
}

void dm_sessions_free(DmSessions *sessions)
{
    if (!sessions)
        return;
    g_hash_table_unref(sessions->by_token);
    g_hash_table_unref(sessions->failures);
    g_mutex_clear(&sessions->lock);
    g_free(sessions);
}

gint64 dm_sessions_lifetime(const DmSessions *sessions)
{
    return sessions->lifetime;
}

static gboolean has_ended(gpointer token, gpointer session, gpointer now)
{
    (void)token;
    return ((const Session *)session)->end <= *(const gint64 *)now;
}

static char *begin(DmSessions *sessions, const DmAccount *account)
{
    g_autoptr(GError) problem = NULL;
    char *token = dm_stamp_new_id(&problem);
    if (!token) {
        dm_log(DM_LOG_ERROR, "session", DM_S("detail", problem->message));
        return NULL;
    }
    gint64 now = g_get_monotonic_time();
    g_hash_table_foreach_remove(sessions->by_token, has_ended, &now);
    Session *session = g_new0(Session, 1);
    session->account = account;
    session->end = now + sessions->lifetime * G_USEC_PER_SEC;
    g_hash_table_insert(sessions->by_token, g_strdup(token), session);
    return token;
}

DmLoginResult dm_sessions_login(DmSessions *sessions, const DmAccount *account, const char *password, char **token,
                                guint *attempts_left)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions->lock);
    guint failures = account ? GPOINTER_TO_UINT(g_hash_table_lookup(sessions->failures, account)) : 0;
    gboolean blocked = account && (account->state != DM_ACCOUNT_OPEN || failures >= ATTEMPTS_MAX);
    *token = NULL;
    if (!blocked && account && g_str_equal(account->password, password)) {
        g_hash_table_remove(sessions->failures, account);
        sessions->counts.logins++;
        *token = begin(sessions, account);
        return DM_LOGIN_DONE;
    }
    sessions->counts.failures++;
    if (blocked)
        return DM_LOGIN_BLOCKED;
    if (account)
        g_hash_table_insert(sessions->failures, (gpointer)account, GUINT_TO_POINTER(failures + 1));
    *attempts_left = ATTEMPTS_MAX - failures - 1;
    return DM_LOGIN_WRONG_PASSWORD;
}

const DmAccount *dm_sessions_check(DmSessions *sessions, const char *token)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions->lock);
    const Session *session = g_hash_table_lookup(sessions->by_token, token);
    return session && session->end > g_get_monotonic_time() ? session->account : NULL;
}

void dm_sessions_end(DmSessions *sessions, const char *token)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions->lock);
    g_hash_table_remove(sessions->by_token, token);
}

void dm_sessions_end_all(DmSessions *sessions)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions->lock);
    g_hash_table_remove_all(sessions->by_token);
}

DmSessionCounts dm_sessions_counts(DmSessions *sessions)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sessions->lock);
    return sessions->counts;
}
