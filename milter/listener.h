/*
 * The socket on which libmilter accepts: opened by it, or handed in by the service manager.
 */
#ifndef DEMAIL_MILTER_LISTENER_H
#define DEMAIL_MILTER_LISTENER_H

#include "common/config.h"

#include <sys/socket.h>

typedef struct {
    const DmConfig *config; /* lent */
    int fd;                 /* which libmilter owns */
    gboolean handed_in;
    struct sockaddr_storage name;
} DmListener;

/* Registers the filter with libmilter and opens the socket. Before any thread, and before root is given up. */
gboolean dm_listener_open(DmListener *listener, const DmConfig *config, GError **error);

/* From now on libmilter accepts nothing more. For a socket that was handed in: who connects waits in it, for the next
 * process. */
gboolean dm_listener_leave(DmListener *listener, GError **error);

/* How many connections to MTAs are open, those of which libmilter has not told us yet included. */
guint dm_listener_sessions(const DmListener *listener);

/* The path of a Unix socket that is to be removed at the end; NULL if there is none of ours. */
const char *dm_listener_path(const DmListener *listener);

#endif
