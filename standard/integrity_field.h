/*
 * X-de-mail-integrity as received: what it says, judged by PVD IO 3.1.21 and RFC 6376, apart from hashes and signature
 * themselves. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_INTEGRITY_FIELD_H
#define DEMAIL_STANDARD_INTEGRITY_FIELD_H

#include "standard/algorithm.h"
#include "standard/findings.h"
#include "standard/raw_header.h"

#include <glib.h>

typedef struct {
    gboolean has_algorithm; /* a= is one that we know; else nothing can be computed */
    DmDigest digest;
    DmSignatureAlgorithm signature;
    gboolean comparable; /* the octets that were hashed are known: c= and h= are such as the standard defines */
    GPtrArray *names;    /* char *: the names in h=, as they stand there; empty if unreadable */
    char *body_hash;     /* bh= without blanks, or NULL */
    GBytes *b;           /* b= decoded, or NULL */
    GString *without_b;  /* the field as it is hashed: without the value of b=, without its last line end */
} DmIntegrityField;

/* Reads the field that counts. Adds integrity.* reasons and warnings, and sets form, algorithm, digest and
 * signature_algorithm of the findings. NULL if there is none, or none that can be read; a missing one is not reported
 * here. `at` is the time of judging for x=. */
DmIntegrityField *dm_integrity_field_read(const DmRawHeader *header, gint64 at, DmFindings *findings);
void dm_integrity_field_free(DmIntegrityField *field);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmIntegrityField, dm_integrity_field_free)

#endif
