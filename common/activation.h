/*
 * A listening socket that the service manager opened and hands in (systemd.socket(5), sd_listen_fds(3)). It stays open
 * while the daemon is restarted: connections wait in it.
 *
 * The socket is the manager's: it has path, owner and mode already, and is never unlinked by the daemon.
 */
#ifndef DEMAIL_COMMON_ACTIVATION_H
#define DEMAIL_COMMON_ACTIVATION_H

#include "common/error.h"

#include <glib.h>

/* Takes the socket that was handed in to this process (LISTEN_PID, LISTEN_FDS): `*fd`, close-on-exec, or -1 if there is
 * none. Forgets the variables, which are for this process only. It must be one listening stream socket on `address`, as
 * the configuration has it in the form of common/listen.h; everything else is DM_ERROR_CONFIG. Before any thread. */
gboolean dm_activation_take(const char *address, int *fd, GError **error);

#endif
