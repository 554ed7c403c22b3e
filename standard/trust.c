#include "standard/trust.h"

#include "standard/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

struct DmTrust {
    X509_STORE *store;
    gboolean has_anchors;
};

typedef struct {
    DmFindings *findings;
    gint64 at;
    gboolean untrusted;
    gboolean unknown; /* whether it was revoked */
} Judgement;

/* Whether an anchor issued the list. */
static gboolean is_by_anchor(const DmTrust *trust, X509_CRL *crl)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->store);

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509 *anchor = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (anchor != NULL && X509_NAME_cmp(X509_get_subject_name(anchor), X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(anchor)) == 1)
            return TRUE;
    }
    return FALSE;
}

/* OpenSSL would take a list by its issuer's name alone, in place of a genuine one. */
static gboolean add_crl(DmTrust *trust, const X509_INFO *item)
{
    return !is_by_anchor(trust, item->crl) || X509_STORE_add_crl(trust->store, item->crl) == 1;
}

static gboolean add_certificate(DmTrust *trust, const X509_INFO *item)
{
    trust->has_anchors = TRUE;
    return X509_STORE_add_cert(trust->store, item->x509) == 1;
}

/* Adds what the file holds of one kind; *count says how much that was. */
static gboolean add_items(DmTrust *trust, BIO *bio, gboolean crls, guint *count)
{
    STACK_OF(X509_INFO) *items = PEM_X509_INFO_read_bio(bio, NULL, dm_certificate_no_passphrase, NULL);
    gboolean good = items != NULL;

    for (int i = 0; good && i < sk_X509_INFO_num(items); i++) {
        const X509_INFO *item = sk_X509_INFO_value(items, i);
        if (crls ? item->crl == NULL : item->x509 == NULL)
            continue;
        good = crls ? add_crl(trust, item) : add_certificate(trust, item);
        (*count)++;
    }
    sk_X509_INFO_pop_free(items, X509_INFO_free);
    return good;
}

static gboolean add_files(DmTrust *trust, char *const *files, gboolean crls, GError **error)
{
    for (; files != NULL && *files != NULL; files++) {
        guint count = 0;
        FILE *file = fopen(*files, "re");
        if (file == NULL) {
            g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "%s: %s; name a PEM file that this user may read", *files,
                        g_strerror(errno));
            return FALSE;
        }
        BIO *bio = BIO_new_fp(file, BIO_CLOSE);
        gboolean good = bio != NULL && add_items(trust, bio, crls, &count);
        if (bio == NULL)
            fclose(file);
        BIO_free(bio);
        ERR_clear_error();
        if (!good || count == 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: no %s in PEM format; convert it with openssl %s", *files,
                        crls ? "revocation list" : "certificate", crls ? "crl" : "x509");
            return FALSE;
        }
    }
    return TRUE;
}

DmTrust *dm_trust_new(char *const *anchor_files, char *const *crl_files, GError **error)
{
    g_autoptr(DmTrust) trust = g_new0(DmTrust, 1);

    trust->store = X509_STORE_new();
    if (trust->store == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "OpenSSL could not make a store of certificates");
        return NULL;
    }
    if (!add_files(trust, anchor_files, FALSE, error) || !add_files(trust, crl_files, TRUE, error))
        return NULL;
    return g_steal_pointer(&trust);
}

void dm_trust_free(DmTrust *trust)
{
    if (trust == NULL)
        return;
    X509_STORE_free(trust->store);
    g_free(trust);
}

gboolean dm_trust_has_anchors(const DmTrust *trust)
{
    return trust->has_anchors;
}

/* Whether the list that OpenSSL found the certificate on revokes it only after the time of judging. */
static gboolean revoked_later(X509_STORE_CTX *context, gint64 at)
{
    X509_CRL *crl = X509_STORE_CTX_get0_current_crl(context);
    X509_REVOKED *entry = NULL;
    time_t moment = (time_t)at;

    return crl != NULL && X509_CRL_get0_by_cert(crl, &entry, X509_STORE_CTX_get_current_cert(context)) == 1 &&
           X509_cmp_time(X509_REVOKED_get0_revocationDate(entry), &moment) > 0;
}

static void note_problem(X509_STORE_CTX *context, Judgement *judgement)
{
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_OK:
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        dm_findings_fail(judgement->findings, "certificate.expired");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        dm_findings_fail(judgement->findings, "certificate.not-yet-valid");
        break;
    case X509_V_ERR_CERT_REVOKED:
        if (!revoked_later(context, judgement->at))
            dm_findings_fail(judgement->findings, "certificate.revoked");
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE:
        judgement->unknown = TRUE;
        break;
    default:
        judgement->untrusted = TRUE;
        break;
    }
}

/* OpenSSL's verify callback: notes every problem and lets it go on to the next. */
static int on_problem(int good, X509_STORE_CTX *context)
{
    if (!good)
        note_problem(context, X509_STORE_CTX_get_app_data(context));
    return 1;
}

static void judge_chain(const DmTrust *trust, X509 *certificate, gint64 at, DmFindings *findings)
{
    Judgement judgement = {.findings = findings, .at = at};
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    if (context == NULL || X509_STORE_CTX_init(context, trust->store, certificate, NULL) != 1) {
        judgement.untrusted = TRUE;
    } else {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_PARTIAL_CHAIN);
        X509_STORE_CTX_set_app_data(context, &judgement);
        X509_STORE_CTX_set_verify_cb(context, on_problem);
        judgement.untrusted = X509_verify_cert(context) != 1 || judgement.untrusted;
    }
    if (judgement.untrusted)
        dm_findings_fail(findings, "certificate.untrusted");
    else if (judgement.unknown)
        dm_findings_warn(findings, "certificate.revocation-unknown");
    X509_STORE_CTX_free(context);
    ERR_clear_error();
}

gboolean dm_trust_judge(const DmTrust *trust, X509 *certificate, gint64 at, DmFindings *findings)
{
    guint before = findings->reasons->len;

    judge_chain(trust, certificate, at, findings);
    if (!dm_certificate_may_sign(certificate))
        dm_findings_fail(findings, "certificate.key-usage");
    if (!dm_certificate_is_qualified(certificate))
        dm_findings_warn(findings, "certificate.not-qualified");
    if (dm_certificate_key_is_short(certificate))
        dm_findings_warn(findings, "certificate.key-size");
    return findings->reasons->len == before;
}
