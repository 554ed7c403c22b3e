/*
 * What a program tells the service manager (sd_notify(3)). Any thread. Without a service manager nothing happens.
 */
#ifndef DEMAIL_COMMON_NOTIFY_H
#define DEMAIL_COMMON_NOTIFY_H

#include <glib.h>

/* Tells the service manager (NOTIFY_SOCKET) the given state, such as "READY=1". */
void dm_notify(const char *state);

/* The configuration is about to be read anew; to be followed by "READY=1", whatever comes of it. */
void dm_notify_reloading(void);

#endif
