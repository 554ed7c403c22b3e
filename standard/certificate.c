#include "standard/certificate.h"

#include "common/demail.h"
#include "standard/base64.h"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define RSA_BITS_MIN  3000
#define EC_BITS_MIN   250
#define QC_COMPLIANCE "0.4.0.1862.1.1"
#define LINE_WIDTH    73

X509 *dm_certificate_read(const char *value)
{
    g_autoptr(GBytes) bytes = dm_base64_read(value);
    gsize length = 0;
    const guint8 *start = bytes != NULL ? g_bytes_get_data(bytes, &length) : NULL;
    const guint8 *at = start;

    if (start == NULL || length > G_MAXINT)
        return NULL;
    g_autoptr(X509) certificate = d2i_X509(NULL, &at, (long)length);
    return certificate != NULL && at == start + length ? g_steal_pointer(&certificate) : NULL;
}

char *dm_certificate_format(X509 *certificate)
{
    guint8 *der = NULL;
    int length = i2d_X509(certificate, &der);

    if (length < 0)
        return NULL;
    char *text = dm_base64_fold(der, (gsize)length, LINE_WIDTH - strlen(DM_FIELD_CERTIFICATE ": "), LINE_WIDTH);
    OPENSSL_free(der);
    return text;
}

char *dm_certificate_subject(const X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    char *subject = NULL;

    if (out != NULL && X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0,
                                          XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        long length = BIO_get_mem_data(out, &text);
        subject = g_utf8_make_valid(length > 0 ? text : "", length > 0 ? length : 0);
    }
    BIO_free(out);
    return subject != NULL ? subject : g_strdup("");
}

gboolean dm_certificate_valid_at(const X509 *certificate, gint64 at)
{
    time_t moment = (time_t)at;

    return X509_cmp_time(X509_get0_notBefore(certificate), &moment) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &moment) > 0;
}

gboolean dm_certificate_may_sign(X509 *certificate)
{
    return (X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

static gboolean statement_is(const ASN1_TYPE *statement, const char *oid)
{
    char text[64] = "";

    if (ASN1_TYPE_get(statement) != V_ASN1_SEQUENCE)
        return FALSE;
    const guint8 *at = ASN1_STRING_get0_data(statement->value.sequence);
    ASN1_SEQUENCE_ANY *parts = d2i_ASN1_SEQUENCE_ANY(NULL, &at, ASN1_STRING_length(statement->value.sequence));
    const ASN1_TYPE *first = parts != NULL ? sk_ASN1_TYPE_value(parts, 0) : NULL;
    if (first != NULL && ASN1_TYPE_get(first) == V_ASN1_OBJECT)
        OBJ_obj2txt(text, sizeof text, first->value.object, 1);
    sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
    return strcmp(text, oid) == 0;
}

gboolean dm_certificate_is_qualified(const X509 *certificate)
{
    gboolean found = FALSE;
    int position = X509_get_ext_by_NID(certificate, NID_qcStatements, -1);
    const X509_EXTENSION *extension = position >= 0 ? X509_get_ext(certificate, position) : NULL;

    if (extension == NULL)
        return FALSE;
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data((X509_EXTENSION *)extension);
    const guint8 *at = ASN1_STRING_get0_data(data);
    ASN1_SEQUENCE_ANY *statements = d2i_ASN1_SEQUENCE_ANY(NULL, &at, ASN1_STRING_length(data));
    for (int i = 0; statements != NULL && i < sk_ASN1_TYPE_num(statements); i++)
        found = found || statement_is(sk_ASN1_TYPE_value(statements, i), QC_COMPLIANCE);
    sk_ASN1_TYPE_pop_free(statements, ASN1_TYPE_free);
    return found;
}

gboolean dm_certificate_key_is_short(const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key == NULL)
        return FALSE;
    int kind = EVP_PKEY_get_base_id(key);
    int least = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS ? RSA_BITS_MIN : EC_BITS_MIN;
    return EVP_PKEY_get_bits(key) < least;
}

int dm_certificate_no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}
