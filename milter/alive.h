/*
 * Whether the milter serves: it asks itself, over its own socket, for what every MTA asks first, the negotiation of
 * options. So libmilter must accept, have a thread, and come back from our callback.
 */
#ifndef DEMAIL_MILTER_ALIVE_H
#define DEMAIL_MILTER_ALIVE_H

#include "common/error.h"

#include <glib.h>

/* Connects to the address on which `fd` listens. Waits at most `seconds` for each step. No message begins, and nothing
 * is logged. */
gboolean dm_alive(int fd, guint seconds, GError **error);

#endif
