/*
 * The signed list of providers' De-Mail domains (IT-BInfra IO 7; ETSI TS 102 231).
 */
#ifndef DEMAIL_STANDARD_TRUST_LIST_H
#define DEMAIL_STANDARD_TRUST_LIST_H

#include "common/error.h"

#include <glib.h>
#include <openssl/x509.h>

/* Larger lists are refused. Bytes. */
#define DM_TRUST_LIST_MAX (16 * 1024 * 1024)

typedef struct {
    char *name; /* lower case, no trailing dot */
    gboolean active;
} DmTrustListDomain;

typedef struct {
    gint64 sequence;    /* TSLSequenceNumber */
    gint64 issued;      /* seconds since 1970 */
    gint64 next_update; /* 0: none */
    GPtrArray *domains; /* of DmTrustListDomain *, by name, each once: active if one entry of that name is */
} DmTrustList;

/* Reads a list whose signature over the whole document, plain or XAdES-BES (standard/xml.h), is by `signer`, or by a
 * certificate that `signer` issued and that is valid at `at`. NULL with DM_ERROR_PERMANENT and, in *reason (may be
 * NULL; static), one of tsl.malformed, tsl.signature-missing, tsl.signature-scope, tsl.signature-invalid,
 * tsl.signer-untrusted. An expired list is read: ask dm_trust_list_expired(). Service status counts as of `at`.
 * Services whose name is no domain with at least two labels are left out. */
DmTrustList *dm_trust_list_read(const char *bytes, gsize length, X509 *signer, gint64 at, const char **reason,
                                GError **error);
void dm_trust_list_free(DmTrustList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTrustList, dm_trust_list_free)

/* True when NextUpdate has passed or is missing. */
gboolean dm_trust_list_expired(const DmTrustList *list, gint64 at);

/* Whether `domain` is an active De-Mail domain by the longest entry that it equals or is below of. */
gboolean dm_trust_list_is_active(const DmTrustList *list, const char *domain);

/* The certificate in the PEM file `file`, for dm_trust_list_read(); free with X509_free(). DM_ERROR_NOINPUT if the file
 * can't be read, DM_ERROR_CONFIG if it holds none. */
X509 *dm_trust_list_signer(const char *file, GError **error);

#endif
