/*
 * Connections for poller/lmtp.h: accepts on a listening socket and serves each connection in a thread of its own.
 */
#ifndef DEMAIL_POLLER_LMTP_SERVER_H
#define DEMAIL_POLLER_LMTP_SERVER_H

#include "poller/lmtp.h"

typedef struct DmLmtpServer DmLmtpServer;

typedef struct {
    const char *hostname;
    gint64 max_connections; /* one more is told 421 and closed */
    const DmLmtpHandlers *handlers;

    /* The data of the handlers for one connection, made and freed in its thread. */
    gpointer (*open)(gpointer data);
    void (*close)(gpointer session);
    gpointer data;
} DmLmtpService;

/* Starts to serve on `fd`, a listening socket, which the server then owns (also after a failure). `service` is lent.
 * Connections are accepted in the main loop of the thread-default context. */
DmLmtpServer *dm_lmtp_server_start(int fd, const DmLmtpService *service, GError **error);

/* Connects to the server itself, as an MTA does, without waiting: if it serves, a greeting comes over this socket, and
 * the end. Such a connection is neither limited nor logged. One at a time; to be called where connections are
 * accepted. */
GSocket *dm_lmtp_server_call(DmLmtpServer *server, GError **error);

/* Accepts no more, ends idle connections, those that have begun too after 5 seconds, and waits at most `seconds` for
 * messages under way. TRUE if all ended; the server is then gone. FALSE: threads still use it and all that the handlers
 * use. */
gboolean dm_lmtp_server_stop(DmLmtpServer *server, guint seconds);

#endif
