#include "sandbox/seal.h"

#include "common/demail.h"
#include "sandbox/seal_pki.h"
#include "standard/certificate.h"
#include "standard/integrity.h"

#include <openssl/pem.h>
#include <string.h>

#define SELECTOR "sandbox"

typedef struct {
    char *certificate; /* PEM */
    char *key;         /* PEM */
    EVP_PKEY *pkey;
    char *field; /* the certificate as a field has it */
} Pair;

struct DmSeal {
    Pair rsa;
    Pair ec;
    gint chosen; /* atomic: a DmSealAlgorithm, see pack() */
};

static gint pack(DmSealAlgorithm algorithm)
{
    return (gint)(algorithm.digest << 8 | algorithm.signature);
}

gboolean dm_seal_algorithm_parse(const char *text, DmSealAlgorithm *algorithm)
{
    return dm_algorithm_parse(text, &algorithm->digest, &algorithm->signature) &&
           algorithm->signature != DM_SIGNATURE_NONE;
}

static gboolean fail(const char *path, const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                "%s: %s; remove " DM_SEAL_CA_FILE " beside it to have a new CA and new seals made", path, what);
    return FALSE;
}

/* The certificate as one DER structure in folded base64, and the key; FALSE if a file holds none. */
static gboolean decode(Pair *pair)
{
    BIO *bio = BIO_new_mem_buf(pair->certificate, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    pair->field = certificate ? dm_certificate_format(certificate) : NULL;
    X509_free(certificate);

    bio = BIO_new_mem_buf(pair->key, -1);
    pair->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return pair->field && pair->pkey;
}

static gboolean read_pair(const char *dir, const char *file, const char *key_file, Pair *pair, GError **error)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *key_path = g_build_filename(dir, key_file, NULL);
    if (!g_file_get_contents(path, &pair->certificate, NULL, NULL))
        return fail(path, "can't be read", error);
    if (!g_file_get_contents(key_path, &pair->key, NULL, NULL))
        return fail(key_path, "can't be read", error);
    return decode(pair) || fail(path, "this certificate or its key is no PEM", error);
}

DmSeal *dm_seal_open(const char *dir, DmSealAlgorithm algorithm, GError **error)
{
    g_autoptr(DmSeal) seal = g_new0(DmSeal, 1);
    seal->chosen = pack(algorithm);
    if (!read_pair(dir, DM_SEAL_RSA_FILE, DM_SEAL_RSA_KEY_FILE, &seal->rsa, error) ||
        !read_pair(dir, DM_SEAL_EC_FILE, DM_SEAL_EC_KEY_FILE, &seal->ec, error))
        return NULL;
    return g_steal_pointer(&seal);
}

static void pair_clear(Pair *pair)
{
    g_free(pair->certificate);
    g_free(pair->key);
    g_free(pair->field);
    EVP_PKEY_free(pair->pkey);
}

void dm_seal_free(DmSeal *seal)
{
    if (!seal)
        return;
    pair_clear(&seal->rsa);
    pair_clear(&seal->ec);
    g_free(seal);
}

void dm_seal_choose(DmSeal *seal, DmSealAlgorithm algorithm)
{
    g_atomic_int_set(&seal->chosen, pack(algorithm));
}

DmSealAlgorithm dm_seal_chosen(const DmSeal *seal)
{
    gint packed = g_atomic_int_get(&seal->chosen);
    return (DmSealAlgorithm){.digest = (DmDigest)(packed >> 8), .signature = (DmSignatureAlgorithm)(packed & 0xff)};
}

DmXmlSigner dm_seal_xml_signer(const DmSeal *seal, DmCanonical canonical)
{
    return (DmXmlSigner){seal->rsa.key, seal->rsa.certificate, canonical};
}

gboolean dm_seal_put(const DmSeal *seal, const DmSealing *sealing, DmHeaders *headers, GError **error)
{
    const Pair *pair = sealing->algorithm.signature == DM_SIGNATURE_ECDSA ? &seal->ec : &seal->rsa;
    const DmIntegrityMaker maker = {
        .domain = sealing->domain,
        .selector = SELECTOR,
        .digest = sealing->algorithm.digest,
        .signature = sealing->sign ? sealing->algorithm.signature : DM_SIGNATURE_NONE,
        .key = sealing->sign ? pair->pkey : NULL,
    };
    g_autofree char *integrity = dm_integrity_make(&maker, headers, sealing->body_hash, error);
    if (!integrity)
        return FALSE;
    if (sealing->sign)
        dm_headers_prepend(headers, DM_FIELD_CERTIFICATE, pair->field);
    dm_headers_prepend(headers, DM_FIELD_INTEGRITY, integrity);
    return TRUE;
}
