#include "poller/lmtp_server.h"

#include "common/error.h"
#include "common/listen.h"
#include "common/log.h"

#include <glib/gstdio.h>
#include <string.h>

#define IDLE_SECONDS  300
#define BEGUN_SECONDS 5   /* for who has begun to go on, when the server stops */
#define SPARE         16  /* threads beyond the limit, to say 421 in */
#define PAUSE_MILLIS  100 /* in which nothing is accepted, after a failure or with all threads in use */

struct DmLmtpServer {
    const DmLmtpService *service;
    GSocket *listener;
    GMainContext *context;
    GSource *source; /* the listener, or a pause */
    GThreadPool *threads;
    DmLmtpStop stop;
    GPollFD awake[2]; /* keep the descriptors of `stop`, which GLib ends the program without */
    gboolean failing; /* to accept; logged once */
    GMutex lock;
    GCond ended;
    gint64 connections; /* accepted, whether their thread runs already or not */
    gint64 served;
    GBytes *caller; /* the address from which the server called itself last; NULL if it never did */
};

static GBytes *bytes_of(GSocketAddress *address)
{
    gssize size = address ? g_socket_address_get_native_size(address) : -1;
    g_autofree char *bytes = size > 0 ? g_malloc0((gsize)size) : NULL;

    if (!bytes || !g_socket_address_to_native(address, bytes, (gsize)size, NULL))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)size);
}

static gboolean is_own_call(DmLmtpServer *server, GSocket *socket)
{
    g_autoptr(GSocketAddress) address = g_socket_get_remote_address(socket, NULL);
    g_autoptr(GBytes) name = bytes_of(address);
    gboolean own;

    g_mutex_lock(&server->lock);
    own = name && server->caller && g_bytes_equal(name, server->caller);
    g_mutex_unlock(&server->lock);
    return own;
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

static void serve_client(DmLmtpServer *server, GIOStream *stream)
{
    gpointer session = server->service->open(server->service->data);

    dm_lmtp_serve(g_io_stream_get_input_stream(stream), g_io_stream_get_output_stream(stream), &server->stop,
                  server->service->hostname, server->service->handlers, session);
    server->service->close(session);
}

static void say(GIOStream *stream, const char *line)
{
    (void)g_output_stream_write_all(g_io_stream_get_output_stream(stream), line, strlen(line), NULL, NULL, NULL);
}

/* Has the thread pool's form. */
static void serve(gpointer data, gpointer user_data)
{
    g_autoptr(GSocket) socket = data;
    g_autoptr(GSocketConnection) connection = g_socket_connection_factory_create_connection(socket);
    DmLmtpServer *server = user_data;
    gboolean own = is_own_call(server, socket);
    gboolean entered = !own && enter(server);

    g_socket_set_timeout(socket, IDLE_SECONDS);
    if (own) {
        say(G_IO_STREAM(connection), "220 alive\r\n");
    } else if (entered) {
        serve_client(server, G_IO_STREAM(connection));
    } else {
        dm_log(DM_LOG_WARNING, "too-many-connections", DM_N("max_connections", server->service->max_connections));
        say(G_IO_STREAM(connection), "421 4.7.0 too many connections, try again later\r\n");
    }
    (void)g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
    leave(server, entered);
}

static gint64 threads_max(const DmLmtpServer *server)
{
    return MIN(server->service->max_connections, 100000) + SPARE;
}

/* Counted in the main loop, before there is a thread, so that none is overlooked when the server stops. TRUE if there
 * is a thread for one more. */
static gboolean hand_over(DmLmtpServer *server, GSocket *client)
{
    gboolean more;

    g_mutex_lock(&server->lock);
    server->connections++;
    more = server->connections < threads_max(server);
    g_mutex_unlock(&server->lock);
    /* An error means that no thread could be made yet; the client is queued all the same. */
    (void)g_thread_pool_push(server->threads, client, NULL);
    return more;
}

static void set_source(DmLmtpServer *server, GSource *source, GSourceFunc function)
{
    if (server->source) {
        g_source_destroy(server->source);
        g_source_unref(server->source);
    }
    server->source = source;
    if (!source)
        return;
    g_source_set_callback(source, function, server, NULL);
    g_source_attach(source, server->context);
}

static void wait_for_clients(DmLmtpServer *server);

static gboolean on_pause_end(gpointer data)
{
    wait_for_clients(data);
    return G_SOURCE_REMOVE;
}

/* A listener that can't accept, for want of files, would be ready again at once, and for ever. */
static gboolean on_client(GSocket *listener, GIOCondition condition, gpointer data)
{
    DmLmtpServer *server = data;
    g_autoptr(GError) error = NULL;
    GSocket *client = g_socket_accept(listener, NULL, &error);

    (void)condition;
    if (!client && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return G_SOURCE_CONTINUE;
    if (!client && !server->failing)
        dm_log(DM_LOG_ERROR, "accept-failed", DM_S("reason", error->message));
    server->failing = !client;
    if (client && hand_over(server, client))
        return G_SOURCE_CONTINUE;
    set_source(server, g_timeout_source_new(PAUSE_MILLIS), on_pause_end);
    return G_SOURCE_REMOVE;
}

static void wait_for_clients(DmLmtpServer *server)
{
    set_source(server, g_socket_create_source(server->listener, G_IO_IN, NULL), G_SOURCE_FUNC(on_client));
}

static void server_free(DmLmtpServer *server)
{
    set_source(server, NULL, NULL);
    if (server->threads)
        g_thread_pool_free(server->threads, FALSE, TRUE);
    g_clear_object(&server->listener);
    g_main_context_unref(server->context);
    g_clear_pointer(&server->caller, g_bytes_unref);
    g_cancellable_release_fd(server->stop.idle);
    g_object_unref(server->stop.idle);
    g_cancellable_release_fd(server->stop.begun);
    g_object_unref(server->stop.begun);
    g_mutex_clear(&server->lock);
    g_cond_clear(&server->ended);
    g_free(server);
}

DmLmtpServer *dm_lmtp_server_start(int fd, const DmLmtpService *service, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GSocket *socket = g_socket_new_from_fd(fd, &problem);
    DmLmtpServer *server;

    if (!socket) {
        g_close(fd, NULL);
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the LMTP socket can't be used: %s", problem->message);
        return NULL;
    }
    g_socket_set_blocking(socket, FALSE);
    server = g_new0(DmLmtpServer, 1);
    server->service = service;
    server->listener = socket;
    server->context = g_main_context_ref_thread_default();
    server->stop = (DmLmtpStop){g_cancellable_new(), g_cancellable_new()};
    (void)g_cancellable_make_pollfd(server->stop.idle, &server->awake[0]);
    (void)g_cancellable_make_pollfd(server->stop.begun, &server->awake[1]);
    g_mutex_init(&server->lock);
    g_cond_init(&server->ended);
    server->threads = g_thread_pool_new(serve, server, (int)threads_max(server), FALSE, NULL);
    wait_for_clients(server);
    return server;
}

GSocket *dm_lmtp_server_call(DmLmtpServer *server, GError **error)
{
    g_autoptr(GSocket) client = dm_listen_call(g_socket_get_fd(server->listener), 0, error);
    g_autoptr(GSocketAddress) address = client ? g_socket_get_local_address(client, error) : NULL;

    if (!address)
        return NULL;
    g_mutex_lock(&server->lock);
    g_clear_pointer(&server->caller, g_bytes_unref);
    server->caller = bytes_of(address);
    g_mutex_unlock(&server->lock);
    return g_steal_pointer(&client);
}

/* Until all connections have ended. */
static gboolean wait_until(DmLmtpServer *server, gint64 end)
{
    gboolean ended;

    g_mutex_lock(&server->lock);
    while (server->connections > 0 && g_cond_wait_until(&server->ended, &server->lock, end))
        continue;
    ended = server->connections == 0;
    g_mutex_unlock(&server->lock);
    return ended;
}

gboolean dm_lmtp_server_stop(DmLmtpServer *server, guint seconds)
{
    gint64 now = g_get_monotonic_time();
    gboolean ended;

    set_source(server, NULL, NULL);
    (void)g_socket_close(server->listener, NULL);
    g_cancellable_cancel(server->stop.idle);
    ended = wait_until(server, now + (gint64)MIN(seconds, BEGUN_SECONDS) * G_USEC_PER_SEC);
    g_cancellable_cancel(server->stop.begun);
    ended = ended || wait_until(server, now + (gint64)seconds * G_USEC_PER_SEC);
    if (ended)
        server_free(server);
    return ended;
}
