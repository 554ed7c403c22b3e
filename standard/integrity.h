/*
 * X-de-mail-integrity in its hash form (PVD IO 3.1.21, deviating from RFC 6376): simple/simple, fixed list of fields,
 * the first occurrence of each, b= is the hash of the header.
 *
 * The body is hashed as it streams by; empty lines at its end do not count, a body without any line counts as CRLF
 * (RFC 6376 3.4.3).
 */
#ifndef DEMAIL_STANDARD_INTEGRITY_H
#define DEMAIL_STANDARD_INTEGRITY_H

#include "common/header.h"

#include <glib.h>

typedef struct DmBodyHash DmBodyHash;

/* SHA-256 of a body given in pieces, lines ended by CRLF. */
DmBodyHash *dm_body_hash_new(void);
void dm_body_hash_update(DmBodyHash *hash, const void *data, gsize length);

/* The base64 of the hash; frees `hash`. Free the result with g_free(). */
char *dm_body_hash_finish(DmBodyHash *hash);
void dm_body_hash_free(DmBodyHash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmBodyHash, dm_body_hash_free)

/* The value (without the leading blank, folded with "\n ") of the field for a message with these fields and this body
 * hash. `domain` and `selector` become d= and s=. Free with g_free(). */
char *dm_integrity_make(const DmHeaders *headers, const char *body_hash, const char *domain, const char *selector);

/* The base64 of the hash that stands in b= of a hash form: over the listed fields and the integrity field itself, whose
 * value, with everything between "b=" and the next ";" or the end removed, is `value_without_hash` (as it stands after
 * "name: "). Free with g_free(). */
char *dm_integrity_header_hash(const DmHeaders *headers, const char *value_without_hash);

#endif
