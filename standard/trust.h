/*
 * Whom we trust: the anchors of providers' seals and the revocation lists, read once. Immutable; any thread may use it.
 */
#ifndef DEMAIL_STANDARD_TRUST_H
#define DEMAIL_STANDARD_TRUST_H

#include "common/error.h"
#include "standard/findings.h"

#include <glib.h>
#include <openssl/x509.h>

typedef struct DmTrust DmTrust;

/* Reads PEM files of certificates and of CRLs, each of which may hold several; the lists end with NULL and may be NULL.
 * DM_ERROR_NOINPUT if a file can't be read, DM_ERROR_CONFIG if it holds nothing of the kind. */
DmTrust *dm_trust_new(char *const *anchor_files, char *const *crl_files, GError **error);
void dm_trust_free(DmTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTrust, dm_trust_free)

/* Whether there is any anchor: without one every signature is by an untrusted certificate. */
gboolean dm_trust_has_anchors(const DmTrust *trust);

/* Judges chain, validity and revocation at the time `at` (seconds since 1970), key usage, key size and qualified
 * statements (PVD FU step 48). Adds certificate.untrusted, .expired, .not-yet-valid, .revoked, .key-usage; the warnings
 * certificate.revocation-unknown (no usable list by an anchor), .not-qualified, .key-size. FALSE if it added a reason.
 */
gboolean dm_trust_judge(const DmTrust *trust, X509 *certificate, gint64 at, DmFindings *findings);

#endif
