#include "sandbox/seal_pki.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define SECONDS_PER_DAY 86400L
#define DAYS            (20 * 365)
#define RSA_BITS        3072
#define ORGANISATION    "demail-sandbox (trial)"
#define CRL_URL         "http://crl.sandbox.invalid/seal.crl"

/* QcCompliance, QcSSCD and QcType esign-seal of ETSI EN 319 412-5, as DER. */
#define QC_STATEMENTS                                                                                                  \
    "DER:30:29:30:08:06:06:04:00:8e:46:01:01:30:08:06:06:04:00:8e:46:01:04:30:13:06:06:04:00:8e:46:01:06:"             \
    "30:09:06:07:04:00:8e:46:01:06:02"

/* The policy QCP-l-qscd of ETSI EN 319 411-2, as DER. */
#define QCP_L_QSCD "DER:30:0b:30:09:06:07:04:00:8b:ec:40:01:03"

typedef struct {
    const char *name;
    const char *value;
} Extension;

static const Extension ca_extensions[] = {
    {"basicConstraints", "critical,CA:TRUE"},
    {"keyUsage", "critical,keyCertSign,cRLSign"},
    {"subjectKeyIdentifier", "hash"},
    {NULL, NULL},
};

static const Extension seal_extensions[] = {
    {"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "critical,nonRepudiation"},
    {"subjectKeyIdentifier", "hash"},          {"authorityKeyIdentifier", "keyid:always"},
    {"crlDistributionPoints", "URI:" CRL_URL}, {"certificatePolicies", QCP_L_QSCD},
    {"1.3.6.1.5.5.7.1.3", QC_STATEMENTS},      {NULL, NULL},
};

typedef struct {
    const char *common_name;
    EVP_PKEY *key;
    const Extension *extensions;
} Subject;

typedef struct {
    X509 *certificate;
    EVP_PKEY *key;
} Issuer;

static gboolean fail(const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: OpenSSL can't make it; check its configuration", what);
    return FALSE;
}

static gboolean set_times(X509 *certificate)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -SECONDS_PER_DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), DAYS * SECONDS_PER_DAY);
}

static gboolean set_serial(ASN1_INTEGER *serial)
{
    guint64 number;
    return RAND_bytes((unsigned char *)&number, sizeof(number)) == 1 && ASN1_INTEGER_set_uint64(serial, number >> 1);
}

static gboolean set_subject(X509 *certificate, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const struct {
        const char *field;
        const char *value;
    } parts[] = {{"C", "DE"}, {"O", ORGANISATION}, {"CN", common_name}};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!X509_NAME_add_entry_by_txt(name, parts[i].field, MBSTRING_UTF8, (const unsigned char *)parts[i].value, -1,
                                        -1, 0))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_extensions(X509 *certificate, X509 *issuer, const Extension *extensions)
{
    X509V3_CTX context = {0};
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (; extensions->name; extensions++) {
        X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, extensions->name, extensions->value);
        gboolean added = extension && X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
        if (!added)
            return FALSE;
    }
    return TRUE;
}

/* `issuer` without a certificate: it signs itself. NULL if OpenSSL refuses. */
static X509 *make_certificate(const Subject *subject, const Issuer *issuer)
{
    X509 *certificate = X509_new();
    X509 *signer = issuer->certificate ? issuer->certificate : certificate;
    if (certificate && X509_set_version(certificate, X509_VERSION_3) &&
        set_serial(X509_get_serialNumber(certificate)) && set_times(certificate) &&
        set_subject(certificate, subject->common_name) &&
        X509_set_issuer_name(certificate, X509_get_subject_name(signer)) &&
        X509_set_pubkey(certificate, subject->key) && add_extensions(certificate, signer, subject->extensions) &&
        X509_sign(certificate, issuer->key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Which CA's list it is: several sandboxes may be trusted at once. */
static gboolean name_issuer(X509_CRL *crl, const Issuer *issuer)
{
    X509V3_CTX context = {0};
    X509V3_set_ctx(&context, issuer->certificate, NULL, NULL, crl, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, "authorityKeyIdentifier", "keyid:always");
    gboolean added = extension && X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static X509_CRL *make_crl(const Issuer *issuer)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *last = X509_gmtime_adj(NULL, -SECONDS_PER_DAY);
    ASN1_TIME *next = X509_gmtime_adj(NULL, DAYS * SECONDS_PER_DAY);
    gboolean made = crl && number && last && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)) &&
                    X509_CRL_set1_lastUpdate(crl, last) && X509_CRL_set1_nextUpdate(crl, next) &&
                    ASN1_INTEGER_set_uint64(number, 1) &&
                    X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1 &&
                    name_issuer(crl, issuer) && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0;
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    ASN1_INTEGER_free(number);
    if (made)
        return crl;
    X509_CRL_free(crl);
    return NULL;
}

/* Writes what is in `bio` and frees it. */
static gboolean write_file(const char *dir, const char *file, BIO *bio, gboolean secret, GError **error)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autoptr(GError) cause = NULL;
    char *text = NULL;
    long length = BIO_get_mem_data(bio, &text);
    gboolean written =
        length > 0 &&
        g_file_set_contents_full(path, text, length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                 secret ? 0600 : 0644, &cause);
    BIO_free(bio);
    if (!written)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check the state directory", path,
                    cause ? cause->message : "empty");
    return written;
}

static gboolean write_certificate(const char *dir, const char *file, X509 *certificate, GError **error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return write_file(dir, file, bio, FALSE, error);
}

static gboolean write_crl(const char *dir, X509_CRL *crl, GError **error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, crl);
    return write_file(dir, DM_SEAL_CRL_FILE, bio, FALSE, error);
}

static gboolean write_key(const char *dir, const char *file, EVP_PKEY *key, GError **error)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return write_file(dir, file, bio, TRUE, error);
}

/* A certificate for a new seal key; frees `key`. */
static gboolean make_seal(const char *dir, const char *common_name, EVP_PKEY *key, const char *file,
                          const char *key_file, const Issuer *ca, GError **error)
{
    const Subject subject = {common_name, key, seal_extensions};
    X509 *certificate = key ? make_certificate(&subject, ca) : NULL;
    gboolean done = certificate
                        ? write_key(dir, key_file, key, error) && write_certificate(dir, file, certificate, error)
                        : fail(file, error);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

/* The CA's certificate is written last: with it the set is complete. */
static gboolean make_all(const char *dir, const Issuer *ca, GError **error)
{
    X509_CRL *crl = make_crl(ca);
    gboolean done = crl ? write_crl(dir, crl, error) : fail(DM_SEAL_CRL_FILE, error);
    X509_CRL_free(crl);
    return done &&
           make_seal(dir, "Sandbox seal RSA", EVP_RSA_gen(RSA_BITS), DM_SEAL_RSA_FILE, DM_SEAL_RSA_KEY_FILE, ca,
                     error) &&
           make_seal(dir, "Sandbox seal EC", EVP_EC_gen("P-256"), DM_SEAL_EC_FILE, DM_SEAL_EC_KEY_FILE, ca, error) &&
           write_certificate(dir, DM_SEAL_CA_FILE, ca->certificate, error);
}

gboolean dm_seal_pki_ensure(const char *dir, GError **error)
{
    g_autofree char *complete = g_build_filename(dir, DM_SEAL_CA_FILE, NULL);
    if (g_file_test(complete, G_FILE_TEST_EXISTS))
        return TRUE;
    Issuer ca = {.key = EVP_EC_gen("P-384")};
    g_autofree char *name = g_strdup_printf("Sandbox seal CA %08x", g_random_int());
    const Subject subject = {name, ca.key, ca_extensions};
    ca.certificate = ca.key ? make_certificate(&subject, &ca) : NULL;
    gboolean done = ca.certificate ? make_all(dir, &ca, error) : fail(DM_SEAL_CA_FILE, error);
    X509_free(ca.certificate);
    EVP_PKEY_free(ca.key);
    return done;
}
