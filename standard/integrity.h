/*
 * Making X-de-mail-integrity (PVD IO 3.1.21, deviating from RFC 6376): simple/simple, a fixed list of fields, the first
 * occurrence of each; b= is the hash of the header or, signed, the signature over it. Any thread.
 */
#ifndef DEMAIL_STANDARD_INTEGRITY_H
#define DEMAIL_STANDARD_INTEGRITY_H

#include "common/error.h"
#include "common/header.h"
#include "standard/algorithm.h"
#include "standard/body_hash.h"

#include <glib.h>
#include <openssl/evp.h>

typedef struct {
    const char *domain;   /* d= */
    const char *selector; /* s= */
    DmDigest digest;
    DmSignatureAlgorithm signature; /* NONE: the hash form */
    EVP_PKEY *key;                  /* NULL with NONE */
} DmIntegrityMaker;

/* The value (without the leading blank, folded with "\n ") of the field for a message with these fields and this body
 * hash. NULL with DM_ERROR_CONFIG if the key does not fit, DM_ERROR_OS if OpenSSL fails. Free with g_free(). */
char *dm_integrity_make(const DmIntegrityMaker *maker, const DmHeaders *headers, const char *body_hash, GError **error);

#endif
