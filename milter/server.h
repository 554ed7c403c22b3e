/*
 * libmilter at work: from the start of its threads to their end, with the signals and the service manager.
 */
#ifndef DEMAIL_MILTER_SERVER_H
#define DEMAIL_MILTER_SERVER_H

#include "milter/listener.h"

typedef enum {
    DM_SERVER_ENDED,      /* told to stop, and nothing runs any more that could use what the program frees */
    DM_SERVER_UNFINISHED, /* told to stop; threads may still be at work */
    DM_SERVER_FAILED,     /* libmilter failed; `error` says how */
} DmServerEnd;

/* Serves until SIGTERM, SIGINT or SIGHUP, and tells the service manager. `on_ready` is called when the milter has
 * answered itself. `needs` (DmGatewayNeeds) is what a reload opens.
 *
 * With a socket that was handed in, a signal to stop lets the sessions end, for 15 seconds; who connects meanwhile
 * waits for the next process. With one of our own libmilter stops as it does by itself: within 5 seconds, after the
 * callbacks that run, whatever is open. */
DmServerEnd dm_server_run(DmListener *listener, guint needs, void (*on_ready)(gpointer data), gpointer data,
                          GError **error);

#endif
