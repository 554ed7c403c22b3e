#include "poller/lmtp_server.h"

#include "common/error.h"
#include "common/log.h"

#include <glib/gstdio.h>

#define IDLE_SECONDS 300
#define SPARE        16 /* threads beyond the limit, to say 421 in */

struct DmLmtpServer {
    const DmLmtpService *service;
    GSocketService *listener;
    GCancellable *stop;
    GMutex lock;
    GCond ended;
    gint64 connections; /* accepted, whether their thread runs already or not */
    gint64 served;
};

/* Counted in the main loop, before there is a thread, so that none is overlooked when the server stops. */
static gboolean on_incoming(GSocketService *listener, GSocketConnection *connection, GObject *source, gpointer data)
{
    DmLmtpServer *server = data;

    (void)listener;
    (void)connection;
    (void)source;
    g_mutex_lock(&server->lock);
    server->connections++;
    g_mutex_unlock(&server->lock);
    return FALSE;
}

static gboolean enter(DmLmtpServer *server)
{
    gboolean entered;

    g_mutex_lock(&server->lock);
    entered = server->served < server->service->max_connections;
    if (entered)
        server->served++;
    g_mutex_unlock(&server->lock);
    return entered;
}

static void leave(DmLmtpServer *server, gboolean entered)
{
    g_mutex_lock(&server->lock);
    server->connections--;
    if (entered)
        server->served--;
    g_cond_signal(&server->ended);
    g_mutex_unlock(&server->lock);
}

static gboolean on_connection(GThreadedSocketService *listener, GSocketConnection *connection, GObject *source,
                              gpointer data)
{
    static const char busy[] = "421 4.7.0 too many connections, try again later\r\n";
    DmLmtpServer *server = data;
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));

    (void)listener;
    (void)source;
    g_socket_set_timeout(g_socket_connection_get_socket(connection), IDLE_SECONDS);

    gboolean entered = enter(server);

    if (entered) {
        gpointer session = server->service->open(server->service->data);

        dm_lmtp_serve(g_io_stream_get_input_stream(G_IO_STREAM(connection)), out, server->stop,
                      server->service->hostname, server->service->handlers, session);
        server->service->close(session);
    } else {
        dm_log(DM_LOG_WARNING, "too-many-connections", DM_N("max_connections", server->service->max_connections));
        (void)g_output_stream_write_all(out, busy, sizeof busy - 1, NULL, NULL, NULL);
    }
    (void)g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
    leave(server, entered);
    return TRUE;
}

static void server_free(DmLmtpServer *server)
{
    g_clear_object(&server->listener);
    g_object_unref(server->stop);
    g_mutex_clear(&server->lock);
    g_cond_clear(&server->ended);
    g_free(server);
}

DmLmtpServer *dm_lmtp_server_start(int fd, const DmLmtpService *service, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &problem);
    DmLmtpServer *server;

    if (!socket) {
        g_close(fd, NULL);
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the LMTP socket can't be used: %s", problem->message);
        return NULL;
    }
    server = g_new0(DmLmtpServer, 1);
    server->service = service;
    server->stop = g_cancellable_new();
    g_mutex_init(&server->lock);
    g_cond_init(&server->ended);
    server->listener = g_threaded_socket_service_new((int)MIN(service->max_connections, 100000) + SPARE);
    if (!g_socket_listener_add_socket(G_SOCKET_LISTENER(server->listener), socket, NULL, &problem)) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the LMTP socket can't be used: %s", problem->message);
        server_free(server);
        return NULL;
    }
    g_signal_connect(server->listener, "incoming", G_CALLBACK(on_incoming), server);
    g_signal_connect(server->listener, "run", G_CALLBACK(on_connection), server);
    g_socket_service_start(server->listener);
    return server;
}

gboolean dm_lmtp_server_stop(DmLmtpServer *server, guint seconds)
{
    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    gboolean ended;

    g_socket_service_stop(server->listener);
    g_socket_listener_close(G_SOCKET_LISTENER(server->listener));
    g_cancellable_cancel(server->stop);
    g_mutex_lock(&server->lock);
    while (server->connections > 0 && g_cond_wait_until(&server->ended, &server->lock, end))
        continue;
    ended = server->connections == 0;
    g_mutex_unlock(&server->lock);
    if (ended)
        server_free(server);
    return ended;
}
