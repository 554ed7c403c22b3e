/*
 * Errors of the gateway: a GError domain whose codes say what a caller may do about it.
 *
 * A message is "what, where, what to do" on one line, without a final full stop, and never holds a secret.
 * All functions may be called from any thread.
 */
#ifndef DEMAIL_COMMON_ERROR_H
#define DEMAIL_COMMON_ERROR_H

#include <glib.h>

#define DM_ERROR (dm_error_quark())

typedef enum {
    DM_ERROR_TEMPORARY,   /* may work later; 4xx, EX_TEMPFAIL */
    DM_ERROR_PERMANENT,   /* will not work with this message; 5xx, EX_DATAERR */
    DM_ERROR_CONFIG,      /* the configuration or a table source is wrong; EX_CONFIG */
    DM_ERROR_NOINPUT,     /* a file is missing or can't be read; EX_NOINPUT */
    DM_ERROR_NOPERM,      /* owner or mode of a file forbid its use; EX_NOPERM */
    DM_ERROR_UNAVAILABLE, /* a socket, a user or another service is not to be had; EX_UNAVAILABLE */
    DM_ERROR_OS,          /* the operating system refused; EX_OSERR */
    DM_ERROR_USAGE,       /* a command line is wrong; EX_USAGE */
} DmError;

GQuark dm_error_quark(void);

/* True when the same call may succeed later without anybody's doing. Errors of other domains count as temporary:
 * what we do not understand must not make a message bounce. */
gboolean dm_error_is_temporary(const GError *error);

/* The sysexits(3) code for a program that ends because of `error`. */
int dm_error_exit_code(const GError *error);

#endif
