/*
 * The algorithms of X-de-mail-integrity, as a= names them (PVD IO 3.1.21). Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_ALGORITHM_H
#define DEMAIL_STANDARD_ALGORITHM_H

#include <glib.h>
#include <openssl/evp.h>

typedef enum {
    DM_DIGEST_SHA256,
    DM_DIGEST_SHA384,
    DM_DIGEST_SHA512,
} DmDigest;

typedef enum {
    DM_SIGNATURE_NONE, /* the hash form */
    DM_SIGNATURE_RSA,  /* RSASSA-PKCS1-v1_5 */
    DM_SIGNATURE_ECDSA,
    DM_SIGNATURE_PSS,
} DmSignatureAlgorithm;

typedef struct {
    guint8 bytes[EVP_MAX_MD_SIZE];
    gsize length;
} DmHash;

/* "sha256", "sha384", "sha512". */
const char *dm_digest_name(DmDigest digest);
const EVP_MD *dm_digest_evp(DmDigest digest);

/* "rsa", "ec-dsa", "rsassa-pss"; NULL for NONE. */
const char *dm_signature_name(DmSignatureAlgorithm signature);

/* The value of a=: exactly "DIGEST" or "DIGEST/SIGNATURE". FALSE for anything else. */
gboolean dm_algorithm_parse(const char *text, DmDigest *digest, DmSignatureAlgorithm *signature);

#endif
