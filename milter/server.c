#include "milter/server.h"

#include "common/gateway.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/watchdog.h"
#include "milter/alive.h"
#include "milter/counts.h"

#include <glib-unix.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>

#define ANSWER_SECONDS 10U /* for each step of asking ourselves */
#define DRAIN_SECONDS  15  /* with libmilter's 5 and a start, less than the 30 for which Postfix waits to negotiate */
#define DRAIN_MILLIS   50U
#define FINISH_SECONDS 7 /* libmilter looks every 5 whether it is to stop */
#define PROBES         3 /* within the time of the watchdog */

typedef struct {
    DmListener *listener;
    guint needs;
    GMainLoop *loop;
    gint64 probe_seconds;
    gboolean silent; /* the last probe failed; logged */
    gboolean stopping;
    gint64 drain_end;  /* monotonic */
    guint empty;       /* how often in a row no session was seen */
    gboolean sent_off; /* libmilter was told to stop */
    gboolean returned; /* smfi_main() has */
    int result;        /* of smfi_main() */
} Server;

static gboolean on_returned(gpointer data)
{
    Server *server = data;

    server->returned = TRUE;
    g_main_loop_quit(server->loop);
    return G_SOURCE_REMOVE;
}

static gpointer run_libmilter(gpointer data)
{
    Server *server = data;

    server->result = smfi_main();
    g_idle_add(on_returned, server);
    return NULL;
}

static gpointer reload_on_signal(gpointer data)
{
    const Server *server = data;
    sigset_t set;
    int signal_number = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    while (sigwait(&set, &signal_number) == 0) {
        dm_notify_reloading();
        dm_gateway_reload(server->needs, dm_counts_attach);
        dm_notify("READY=1");
    }
    return NULL;
}

/* Twice, as a connection may just be on its way from one table of the kernel to the other. */
static gboolean on_drain(gpointer data)
{
    Server *server = data;
    gint64 now = g_get_monotonic_time();

    server->empty = dm_listener_sessions(server->listener) == 0 ? server->empty + 1 : 0;
    if (server->empty > 1 || now > server->drain_end + FINISH_SECONDS * G_USEC_PER_SEC) {
        g_main_loop_quit(server->loop);
    } else if (now > server->drain_end && !server->sent_off) {
        server->sent_off = TRUE;
        smfi_stop();
    }
    return G_SOURCE_CONTINUE;
}

/* libmilter's controller destroys its lock as it ends. A thread that comes for it just then waits for ever, and smfi_main()
 * with it if that thread is the one that accepts. */
static gboolean on_overdue(gpointer data)
{
    Server *server = data;

    g_main_loop_quit(server->loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_stop(gpointer data)
{
    Server *server = data;
    g_autoptr(GError) error = NULL;

    if (server->stopping)
        return G_SOURCE_CONTINUE;
    server->stopping = TRUE;
    dm_notify("STOPPING=1");
    server->drain_end = g_get_monotonic_time() + DRAIN_SECONDS * G_USEC_PER_SEC;
    if (server->listener->handed_in && dm_listener_leave(server->listener, &error)) {
        g_timeout_add(DRAIN_MILLIS, on_drain, server);
        return G_SOURCE_CONTINUE;
    }
    if (error != NULL)
        dm_log(DM_LOG_WARNING, "drain-failed", DM_S("reason", error->message));
    smfi_stop();
    g_timeout_add_seconds(FINISH_SECONDS, on_overdue, server);
    return G_SOURCE_CONTINUE;
}

static gboolean on_watchdog(gpointer data)
{
    Server *server = data;
    g_autoptr(GError) error = NULL;

    if (server->stopping)
        return G_SOURCE_CONTINUE;
    if (dm_alive(server->listener->fd, (guint)server->probe_seconds, &error))
        dm_notify("WATCHDOG=1");
    else if (!server->silent)
        dm_log(DM_LOG_WARNING, "no-sign-of-life", DM_S("reason", error->message));
    server->silent = error != NULL;
    return G_SOURCE_CONTINUE;
}

static void start_watchdog(Server *server)
{
    gint64 interval = dm_watchdog_interval() / PROBES;

    server->probe_seconds = CLAMP(interval / G_USEC_PER_SEC, 1, ANSWER_SECONDS);
    if (interval > 0)
        g_timeout_add((guint)CLAMP(interval / 1000, 1, G_MAXINT), on_watchdog, server);
}

/* libmilter takes the signals that stop it with sigwait(3), in a thread of its own. The kernel gives a signal to the main
 * thread if that does not block it: all others do, and this one has handlers. Were it otherwise, libmilter would stop
 * at once, as it does without us. */
static void start_threads(Server *server)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    g_thread_unref(g_thread_new("reload", reload_on_signal, server));
    g_thread_unref(g_thread_new("libmilter", run_libmilter, server));
    g_unix_signal_add(SIGTERM, on_stop, server);
    g_unix_signal_add(SIGINT, on_stop, server);
    g_unix_signal_add(SIGHUP, on_stop, server);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* smfi_main() returns while libmilter's threads still serve the sessions that are open. */
static DmServerEnd end_of(const Server *server, GError **error)
{
    if (!server->returned)
        return server->empty > 1 ? DM_SERVER_ENDED : DM_SERVER_UNFINISHED;
    if (server->result == MI_SUCCESS)
        return dm_listener_sessions(server->listener) == 0 ? DM_SERVER_ENDED : DM_SERVER_UNFINISHED;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "libmilter failed");
    return DM_SERVER_FAILED;
}

DmServerEnd dm_server_run(DmListener *listener, guint needs, void (*on_ready)(gpointer data), gpointer data,
                          GError **error)
{
    /* Not freed: the threads, which are not joined, look at it to the very end. */
    Server *server = g_new0(Server, 1);

    server->listener = listener;
    server->needs = needs;
    server->loop = g_main_loop_new(NULL, FALSE);
    start_threads(server);
    if (!dm_alive(listener->fd, ANSWER_SECONDS, error))
        return DM_SERVER_FAILED;
    start_watchdog(server);
    on_ready(data);
    dm_notify("READY=1");
    g_main_loop_run(server->loop);
    return end_of(server, error);
}
