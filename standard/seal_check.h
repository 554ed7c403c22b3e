/*
 * The hashes and the signature of one message against its X-de-mail-integrity (PVD FU step 48). Any thread.
 */
#ifndef DEMAIL_STANDARD_SEAL_CHECK_H
#define DEMAIL_STANDARD_SEAL_CHECK_H

#include "common/header.h"
#include "standard/findings.h"
#include "standard/integrity_field.h"
#include "standard/trust.h"

#include <glib.h>

/* Compares `body_hash` (base64; NULL if it could not be computed), then the hash or signature over the header, and
 * judges the certificate. Adds integrity.*, signature.* and certificate.* and sets signer and the hashes of the
 * findings. */
void dm_seal_check(const DmIntegrityField *field, const DmRawHeader *raw, const DmHeaders *headers,
                   const char *body_hash, const DmTrust *trust, gint64 at, DmFindings *findings);

#endif
