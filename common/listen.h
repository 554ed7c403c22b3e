/*
 * Listening sockets, given as "unix:PATH", "inet:HOST:PORT" or "inet6:[HOST]:PORT".
 *
 * A stale Unix socket is removed only if it is a socket and nobody answers on it. An occupied address is
 * DM_ERROR_UNAVAILABLE and names the address and the remedy.
 */
#ifndef DEMAIL_COMMON_LISTEN_H
#define DEMAIL_COMMON_LISTEN_H

#include "common/error.h"

#include <gio/gio.h>
#include <sys/types.h>

/* Whom a Unix socket is given to; empty: left as it is. The user counts for root only: it must be able to remove the
 * socket after root has been given up. */
typedef struct {
    const char *user;
    const char *group;
} DmListenOwner;

/* Opens the socket, close-on-exec. `mode` and `owner` apply to Unix sockets. Returns the descriptor, or -1 with `error`
 * set. */
int dm_listen(const char *address, mode_t mode, const DmListenOwner *owner, GError **error);

/* Whether `fd` is a listening stream socket on `address`. DM_ERROR_CONFIG says what it is instead. */
gboolean dm_listen_check(int fd, const char *address, GError **error);

/* Connects to the address on which `fd` listens, to see whether its owner serves. `seconds` bounds connecting, reading
 * and writing; 0: nothing waits, and the connection may still be on its way. A Unix socket gets a name, so that its
 * other end can tell it from others. */
GSocket *dm_listen_call(int fd, guint seconds, GError **error);

/* Makes sure that a Unix socket can be made at `path`: removes a stale one, refuses what is in use or is no socket. */
gboolean dm_listen_clear_path(const char *path, GError **error);

/* Whether the group exists; an empty name is good. */
gboolean dm_listen_check_group(const char *group, GError **error);

/* Sets mode and owner of the Unix socket at `path`. */
gboolean dm_listen_protect_path(const char *path, mode_t mode, const DmListenOwner *owner, GError **error);

#endif
