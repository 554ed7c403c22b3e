/*
 * Signature values of X-de-mail-integrity over a finished hash (PVD IO 3.1.21; RFC 5754, RFC 4056). ECDSA values are
 * DER, PSS uses the same digest for MGF1. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_SIGNATURE_H
#define DEMAIL_STANDARD_SIGNATURE_H

#include "common/error.h"
#include "standard/algorithm.h"

#include <glib.h>
#include <openssl/evp.h>

typedef enum {
    DM_SIGNATURE_GOOD,
    DM_SIGNATURE_GOOD_OTHER_SALT, /* PSS, with a salt not as long as the hash */
    DM_SIGNATURE_WRONG_KEY,       /* a key of another kind than the algorithm needs */
    DM_SIGNATURE_BAD,
} DmSignatureResult;

/* PSS salts are as long as the hash. NULL with DM_ERROR_CONFIG if the key does not fit the algorithm, DM_ERROR_OS if
 * OpenSSL could not sign. */
GBytes *dm_signature_make(DmSignatureAlgorithm algorithm, EVP_PKEY *key, DmDigest digest, const DmHash *hash,
                          GError **error);

DmSignatureResult dm_signature_check(DmSignatureAlgorithm algorithm, EVP_PKEY *key, DmDigest digest, const DmHash *hash,
                                     GBytes *signature);

#endif
