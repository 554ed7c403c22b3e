/*
 * What the service manager asks of a daemon (sd_watchdog_enabled(3)).
 */
#ifndef DEMAIL_COMMON_WATCHDOG_H
#define DEMAIL_COMMON_WATCHDOG_H

#include <glib.h>

/* The time, in microseconds, within which the service manager expects a "WATCHDOG=1" (WATCHDOG_USEC, WATCHDOG_PID); 0 if
 * it expects none. Any thread. */
gint64 dm_watchdog_interval(void);

#endif
