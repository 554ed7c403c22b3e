/*
 * Files that hold keys and passwords.
 *
 * Such a file is a regular file that belongs to root (or to the user who runs the program, where that is not root), and
 * no other user may read or write it (mode 0600, or 0640 for the program's group). Anything else is refused with
 * DM_ERROR_NOPERM and the chmod(1) or chown(8) command that mends it. In memory, secrets are wiped before they are
 * freed.
 */
#ifndef DEMAIL_COMMON_SECRET_H
#define DEMAIL_COMMON_SECRET_H

#include <glib.h>

#define DM_SECRET_MAX 65536

/* Checks owner and mode only. `what` names the file in errors by its configuration key, e.g. "client_key". */
gboolean dm_secret_check(const char *path, const char *what, GError **error);

/* Reads a secret of at most DM_SECRET_MAX bytes; one final line end is removed. An empty file is an error. The result
 * is NUL-terminated; `*length` (may be NULL) does not count the NUL. Free with dm_secret_free(). */
char *dm_secret_read(const char *path, const char *what, gsize *length, GError **error);

/* Wipes and frees a NUL-terminated or binary secret of `length` bytes; NULL is allowed. */
void dm_secret_free(char *secret, gsize length);

/* A NUL-terminated secret that is wiped where its variable ends: g_autoptr(DmSecret) token = ... */
typedef char DmSecret;
void dm_secret_forget(DmSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSecret, dm_secret_forget)

/* free(3) and realloc(3) that leave nothing behind: for libraries that copy secrets and free the copies as they are.
 * For memory of malloc(3) only. */
void dm_secret_release(void *memory);
void *dm_secret_resize(void *memory, size_t size);

#endif
