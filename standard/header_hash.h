/*
 * The hash over the header: the fields that the integrity covers and, last, X-de-mail-integrity itself without its hash
 * (PVD IO 3.1.21, RFC 6376 3.7). Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_HEADER_HASH_H
#define DEMAIL_STANDARD_HEADER_HASH_H

#include "standard/algorithm.h"
#include "standard/raw_header.h"

#include <glib.h>

#define DM_HASHED_FIELD_COUNT 20

/* The value of q= in a signed field. */
#define DM_INTEGRITY_QUERY "x-header/x-de-mail-signature-certificate"

/* The i-th field (0 to DM_HASHED_FIELD_COUNT - 1) in the order of PVD IO 3.1.21. */
const char *dm_hashed_field(guint i);

/* Its number, without case; -1 if it is none of them. */
int dm_hashed_field_index(const char *name);

/* Hashes the first field of each of `names` (char *) and then `integrity`, octets without a last line end. FALSE if
 * OpenSSL could not hash. */
gboolean dm_header_hash(const DmRawHeader *header, const GPtrArray *names, const char *integrity, gsize length,
                        DmDigest digest, DmHash *hash);

#endif
