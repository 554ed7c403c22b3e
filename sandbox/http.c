#include "sandbox/http.h"

#include "common/log.h"
#include "sandbox/api.h"
#include "sandbox/http_reply.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX   1024U
#define CONNECTION_MEMORY ((size_t)64 * 1024) /* cleared for every request; bounds a request's header */
#define IDLE_SECONDS      120U
#define POST_BUFFER       16384
#define DISCARD_MAX                                                                                                    \
    ((guint64)1024 * 1024) /* bytes of a body that nobody wants, read so that the client reads the answer */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3"

struct DmHttp {
    DmSandbox *sandbox;
    struct MHD_Daemon *daemon;
};

/* One TCP connection. */
typedef struct {
    gboolean judged;
    char *problem; /* with the client's certificate; NULL: none */
} Peer;

/* One request. */
typedef struct {
    DmRequest *request;
    DmReply *early; /* answer that waits for the end of a body that is thrown away */
    struct MHD_PostProcessor *parts;
    gboolean malformed; /* the multipart body */
} Exchange;

static void log_message(void *data, const char *format, va_list args)
{
    (void)data;
    char text[512];
    vsnprintf(text, sizeof(text), format, args);
    dm_log(DM_LOG_DEBUG, "http", DM_S("detail", g_strchomp(text)));
}

static void notify_connection(void *data, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    DmHttp *http = data;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = g_new0(Peer, 1);
        g_atomic_int_inc(&http->sandbox->stats.connections);
        return;
    }
    Peer *peer = *context;
    if (peer)
        g_free(peer->problem);
    g_free(peer);
}

/* NULL if the client may speak, else the answer. */
static DmReply *check_peer(DmHttp *http, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *context = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const union MHD_ConnectionInfo *session = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!context || !context->socket_context || !session)
        return dm_reply_problem(403, "client-certificate", FALSE, "the connection has no TLS session");
    Peer *peer = context->socket_context;
    if (!peer->judged) {
        peer->judged = TRUE;
        peer->problem = dm_tls_peer_problem(session->tls_session);
        g_atomic_int_inc(&http->sandbox->stats.tls_handshakes);
        if (peer->problem)
            dm_log(DM_LOG_WARNING, "client-certificate", DM_S("detail", peer->problem));
    }
    return peer->problem ? dm_reply_problem(403, "client-certificate", FALSE, "%s", peer->problem) : NULL;
}

static enum MHD_Result add_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    DmRequest *request = data;
    (void)kind;
    g_hash_table_insert(request->headers, g_ascii_strdown(name, -1), g_strdup(value ? value : ""));
    return MHD_YES;
}

static enum MHD_Result add_query(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    DmRequest *request = data;
    (void)kind;
    g_hash_table_insert(request->query, g_strdup(name), g_strdup(value ? value : ""));
    return MHD_YES;
}

static enum MHD_Result take_part(void *data, enum MHD_ValueKind kind, const char *name, const char *file_name,
                                 const char *content_type, const char *transfer_encoding, const char *bytes,
                                 uint64_t offset, size_t size)
{
    DmRequest *request = data;
    (void)kind;
    (void)file_name;
    (void)content_type;
    (void)transfer_encoding;
    (void)offset;
    dm_upload_add(request->upload, name ? name : "", bytes, size);
    return MHD_YES;
}

/* Whether a body that nobody wants is read all the same: it is on its way, and closing the connection on it could cost
 * the client the answer. One that waits for "100 Continue" is never asked for. */
static gboolean must_discard(const DmRequest *request)
{
    const char *length = dm_request_header(request, "content-length");
    guint64 bytes = length ? g_ascii_strtoull(length, NULL, 10) : 0;
    return !dm_request_header(request, "expect") && bytes > 0 && bytes <= DISCARD_MAX;
}

static enum MHD_Result begin(DmHttp *http, struct MHD_Connection *connection, const char *method, const char *path,
                             void **state)
{
    Exchange *exchange = g_new0(Exchange, 1);
    exchange->request = dm_request_new(method, path);
    *state = exchange;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, exchange->request);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, exchange->request);

    DmReply *early = check_peer(http, connection);
    if (!early)
        early = dm_api_begin(http->sandbox, exchange->request);
    if (!early && exchange->request->upload) {
        exchange->parts = MHD_create_post_processor(connection, POST_BUFFER, take_part, exchange->request);
        if (!exchange->parts)
            early = dm_reply_problem(400, "invalid-request", FALSE, "Content-Type has no usable boundary");
    }
    if (early && must_discard(exchange->request)) {
        exchange->early = early;
        return MHD_YES;
    }
    return early ? dm_http_queue(connection, early) : MHD_YES;
}

static void take(Exchange *exchange, const char *data, size_t size)
{
    if (exchange->early)
        return;
    if (!exchange->request->upload)
        dm_request_add_body(exchange->request, data, size);
    else if (!exchange->malformed)
        exchange->malformed = MHD_post_process(exchange->parts, data, size) != MHD_YES;
}

static enum MHD_Result finish(DmHttp *http, struct MHD_Connection *connection, Exchange *exchange)
{
    if (exchange->early)
        return dm_http_queue(connection, g_steal_pointer(&exchange->early));
    if (exchange->parts && MHD_destroy_post_processor(g_steal_pointer(&exchange->parts)) != MHD_YES)
        exchange->malformed = TRUE;
    if (exchange->malformed)
        return dm_http_queue(connection, dm_reply_problem(400, "invalid-request", FALSE,
                                                          "the multipart body can't be read or is not complete"));
    /* Handlers may wait longer than a connection may be idle. */
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    return dm_http_queue(connection, dm_api_finish(http->sandbox, exchange->request));
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *body, size_t *body_size, void **state)
{
    DmHttp *http = data;
    (void)version;
    if (!*state)
        return begin(http, connection, method, path, state);
    if (*body_size == 0)
        return finish(http, connection, *state);
    take(*state, body, *body_size);
    *body_size = 0;
    return MHD_YES;
}

static void completed(void *data, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    DmHttp *http = data;
    Exchange *exchange = *state;
    *state = NULL;
    if (!exchange)
        return;
    if (exchange->parts)
        MHD_destroy_post_processor(exchange->parts);
    dm_reply_free(exchange->early);
    dm_api_end(http->sandbox, exchange->request);
    g_free(exchange);
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_SECONDS);
}

DmHttp *dm_http_start(DmSandbox *sandbox, int socket, const DmTls *tls, GError **error)
{
    DmHttp *http = g_new0(DmHttp, 1);
    http->sandbox = sandbox;
    http->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                                        MHD_USE_ITC | MHD_USE_TLS | MHD_USE_ERROR_LOG,
                                    0, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_message, NULL,
                                    MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_HTTPS_MEM_CERT, tls->certificate,
                                    MHD_OPTION_HTTPS_MEM_KEY, tls->key, MHD_OPTION_HTTPS_MEM_TRUST, tls->client_ca,
                                    MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES, MHD_OPTION_CONNECTION_LIMIT,
                                    CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
                                    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, completed,
                                    http, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, http, MHD_OPTION_END);
    if (http->daemon)
        return http;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "the HTTPS server can't start; see the log with --verbose");
    close(socket);
    g_free(http);
    return NULL;
}

void dm_http_stop(DmHttp *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    g_free(http);
}
