/*
 * A CA for trials, the certificates of the sandbox's seal below it, and its revocation list. Nothing of it is
 * qualified, although the certificates say so, as those of a provider must.
 */
#ifndef DEMAIL_SANDBOX_SEAL_PKI_H
#define DEMAIL_SANDBOX_SEAL_PKI_H

#include "common/error.h"

#include <glib.h>

#define DM_SEAL_CA_FILE      "seal-ca.pem"
#define DM_SEAL_CRL_FILE     "seal.crl.pem"
#define DM_SEAL_RSA_FILE     "seal-rsa.pem"
#define DM_SEAL_RSA_KEY_FILE "seal-rsa.key"
#define DM_SEAL_EC_FILE      "seal-ec.pem"
#define DM_SEAL_EC_KEY_FILE  "seal-ec.key"

/* Makes all files in `dir` unless DM_SEAL_CA_FILE is there. Keys get mode 0600. The CA's key is not kept: what it has
 * signed is all that it ever signs. DM_ERROR_OS if a file can't be written or a library refuses. */
gboolean dm_seal_pki_ensure(const char *dir, GError **error);

#endif
