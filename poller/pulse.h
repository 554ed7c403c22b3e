/*
 * The poller's sign of life for the service manager: "WATCHDOG=1" each time that it has greeted itself over its own LMTP
 * socket. So the main loop turns, connections are accepted, and a thread was there to serve one.
 */
#ifndef DEMAIL_POLLER_PULSE_H
#define DEMAIL_POLLER_PULSE_H

#include "poller/lmtp_server.h"

typedef struct DmPulse DmPulse;

/* Three times within `interval` (microseconds); NULL if that is 0. In the main loop of the thread-default context.
 * `server` is lent. */
DmPulse *dm_pulse_start(DmLmtpServer *server, gint64 interval);

/* NULL is good. */
void dm_pulse_stop(DmPulse *pulse);

#endif
