#include "standard/seal_check.h"

#include "common/demail.h"
#include "standard/certificate.h"
#include "standard/header_hash.h"
#include "standard/signature.h"

#include <gmime/gmime.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

static void check_signature(const DmIntegrityField *field, X509 *certificate, const DmHash *hash, DmFindings *findings)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key == NULL) {
        dm_findings_fail(findings, "certificate.key");
        return;
    }
    switch (dm_signature_check(field->signature, key, field->digest, hash, field->b)) {
    case DM_SIGNATURE_GOOD:
        break;
    case DM_SIGNATURE_GOOD_OTHER_SALT:
        dm_findings_warn(findings, "signature.pss-salt");
        break;
    case DM_SIGNATURE_WRONG_KEY:
        dm_findings_fail(findings, "signature.key-type");
        break;
    case DM_SIGNATURE_BAD:
        dm_findings_fail(findings, "signature.invalid");
        break;
    }
    ERR_clear_error();
}

static void check_date(const DmHeaders *headers, const X509 *certificate, DmFindings *findings)
{
    const char *value = dm_headers_get(headers, "Date", 0);
    g_autofree char *text = value != NULL ? dm_header_unfold(value) : NULL;
    g_autoptr(GDateTime) date = text != NULL ? g_mime_utils_header_decode_date(text) : NULL;

    if (date != NULL && !dm_certificate_valid_at(certificate, g_date_time_to_unix(date)))
        dm_findings_warn(findings, "certificate.not-valid-at-date");
}

static void check_signed(const DmIntegrityField *field, const DmHeaders *headers, const DmHash *hash,
                         const DmTrust *trust, gint64 at, DmFindings *findings)
{
    const char *value = dm_headers_get(headers, DM_FIELD_CERTIFICATE, 0);
    g_autoptr(X509) certificate = value != NULL ? dm_certificate_read(value) : NULL;

    if (certificate == NULL) {
        dm_findings_fail(findings, value == NULL ? "certificate.missing" : "certificate.encoding");
        ERR_clear_error();
        return;
    }
    findings->signer = dm_certificate_subject(certificate);
    if (hash != NULL && field->b != NULL)
        check_signature(field, certificate, hash, findings);
    dm_trust_judge(trust, certificate, at, findings);
    check_date(headers, certificate, findings);
}

static void check_hash(const DmIntegrityField *field, const DmHeaders *headers, const DmHash *hash,
                       DmFindings *findings)
{
    if (hash != NULL && field->b != NULL &&
        (g_bytes_get_size(field->b) != hash->length ||
         CRYPTO_memcmp(g_bytes_get_data(field->b, NULL), hash->bytes, hash->length) != 0))
        dm_findings_fail(findings, "integrity.header-hash");
    if (dm_headers_get(headers, DM_FIELD_CERTIFICATE, 0) != NULL)
        dm_findings_warn(findings, "certificate.unused");
}

void dm_seal_check(const DmIntegrityField *field, const DmRawHeader *raw, const DmHeaders *headers,
                   const char *body_hash, const DmTrust *trust, gint64 at, DmFindings *findings)
{
    DmHash hash;

    if (!field->has_algorithm)
        return;
    gboolean hashed =
        dm_header_hash(raw, field->names, field->without_b->str, field->without_b->len, field->digest, &hash);
    if (!hashed || body_hash == NULL) {
        dm_findings_fail(findings, "integrity.unavailable");
        return;
    }
    findings->body_hash = g_strdup(body_hash);
    findings->header_hash = g_base64_encode(hash.bytes, hash.length);
    if (field->comparable && field->body_hash != NULL && g_strcmp0(field->body_hash, body_hash) != 0)
        dm_findings_fail(findings, "integrity.body-hash");
    const DmHash *compared = field->comparable ? &hash : NULL;
    if (field->signature == DM_SIGNATURE_NONE)
        check_hash(field, headers, compared, findings);
    else
        check_signed(field, headers, compared, trust, at, findings);
}
