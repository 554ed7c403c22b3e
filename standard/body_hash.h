/*
 * The hash of a body as it streams by, canonicalised by "simple": empty lines at its end do not count, and what is left
 * ends with one CRLF, an empty body too (RFC 6376 3.4.3). A DmBodyHash belongs to one thread.
 */
#ifndef DEMAIL_STANDARD_BODY_HASH_H
#define DEMAIL_STANDARD_BODY_HASH_H

#include "standard/algorithm.h"

#include <glib.h>

typedef struct DmBodyHash DmBodyHash;

DmBodyHash *dm_body_hash_new(DmDigest digest);

/* The next piece, in any size; lines end with CRLF. */
void dm_body_hash_update(DmBodyHash *hash, const void *data, gsize length);

/* The base64 of the hash; frees `hash`. NULL if OpenSSL could not hash. Free the result with g_free(). */
char *dm_body_hash_finish(DmBodyHash *hash);
void dm_body_hash_free(DmBodyHash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmBodyHash, dm_body_hash_free)

#endif
