/*
 * The provider's seal: its keys and certificates, and the algorithms that new De-Mails get (PVD IO 3.1.13, 3.1.14).
 *
 * Any thread may use a DmSeal; only the chosen algorithms ever change.
 */
#ifndef DEMAIL_SANDBOX_SEAL_H
#define DEMAIL_SANDBOX_SEAL_H

#include "common/error.h"
#include "common/header.h"
#include "sandbox/xml_sign.h"
#include "standard/algorithm.h"

#include <glib.h>

typedef struct {
    DmDigest digest;                /* of all De-Mails */
    DmSignatureAlgorithm signature; /* of those that are signed; never DM_SIGNATURE_NONE */
} DmSealAlgorithm;

#define DM_SEAL_ALGORITHM_DEFAULT "sha256/rsa"

/* "sha384/rsassa-pss", as a= has it; FALSE for anything else. */
gboolean dm_seal_algorithm_parse(const char *text, DmSealAlgorithm *algorithm);

typedef struct DmSeal DmSeal;

/* Reads the files of seal_pki.h in `dir`. DM_ERROR_CONFIG names the one that is missing or unreadable. */
DmSeal *dm_seal_open(const char *dir, DmSealAlgorithm algorithm, GError **error);
void dm_seal_free(DmSeal *seal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSeal, dm_seal_free)

/* What new De-Mails get from now on, and what they get now. */
void dm_seal_choose(DmSeal *seal, DmSealAlgorithm algorithm);
DmSealAlgorithm dm_seal_chosen(const DmSeal *seal);

/* For XML signatures; borrowed. */
DmXmlSigner dm_seal_xml_signer(const DmSeal *seal, DmCanonical canonical);

typedef struct {
    DmSealAlgorithm algorithm;
    gboolean sign;         /* else only hashed */
    const char *body_hash; /* of algorithm.digest, base64 */
    const char *domain;    /* becomes d= */
} DmSealing;

/* Puts X-de-mail-integrity and, on a signed De-Mail, X-de-mail-signature-certificate on top of a header that is
 * complete. DM_ERROR_OS if OpenSSL refuses. */
gboolean dm_seal_put(const DmSeal *seal, const DmSealing *sealing, DmHeaders *headers, GError **error);

#endif
