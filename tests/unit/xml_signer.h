/*
 * For tests of signed XML: keys with certificates, and enveloped signatures made by xmlsec1. After dm_xml_start().
 */
#ifndef DEMAIL_TESTS_XML_SIGNER_H
#define DEMAIL_TESTS_XML_SIGNER_H

#include <glib.h>
#include <openssl/x509.h>

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} TsSigner;

/* A new key, and a certificate for it by `issuer` (NULL: by itself), good from `from` to `until` (seconds since 1970),
 * with that key usage. `is_ca` lets it issue others. Free with ts_signer_free(). */
TsSigner *ts_signer_new(const char *name, const TsSigner *issuer, gboolean is_ca, const char *usage, gint64 from,
                        gint64 until);
void ts_signer_free(TsSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TsSigner, ts_signer_free)

/* `xml` with a signature of the whole document as the last child of its root; KeyInfo holds the certificate. Free with
 * g_free(). */
char *ts_sign(const char *xml, const TsSigner *signer);

/* `xml` with the first ds:Signature in it, a template, filled in; it may name an attribute ID. Free with g_free(). */
char *ts_sign_template(const char *xml, const TsSigner *signer);

/* `xml` with a template for ts_sign_template() as the last child of its root: XAdES-BES as lists of trust services have
 * it, with the Ids s1 and p1. Free with g_free(). */
char *ts_with_xades(const char *xml);

#endif
