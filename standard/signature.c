#include "standard/signature.h"

#include <openssl/rsa.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

static gboolean key_fits(DmSignatureAlgorithm algorithm, const EVP_PKEY *key)
{
    int kind = EVP_PKEY_get_base_id(key);

    switch (algorithm) {
    case DM_SIGNATURE_NONE:
        return FALSE;
    case DM_SIGNATURE_RSA:
        return kind == EVP_PKEY_RSA;
    case DM_SIGNATURE_ECDSA:
        return kind == EVP_PKEY_EC;
    case DM_SIGNATURE_PSS:
        return kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
    }
    return FALSE;
}

/* Sets padding and digest; `salt` is a length, one of RSA_PSS_SALTLEN_*, or G_MAXINT: the key's own. */
static gboolean set_up(EVP_PKEY_CTX *context, DmSignatureAlgorithm algorithm, DmDigest digest, int salt)
{
    const EVP_MD *md = dm_digest_evp(digest);

    if (algorithm == DM_SIGNATURE_RSA && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) <= 0)
        return FALSE;
    if (algorithm == DM_SIGNATURE_PSS && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) <= 0)
        return FALSE;
    if (EVP_PKEY_CTX_set_signature_md(context, md) <= 0)
        return FALSE;
    if (algorithm != DM_SIGNATURE_PSS)
        return TRUE;
    return EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) > 0 &&
           (salt == G_MAXINT || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0);
}

GBytes *dm_signature_make(DmSignatureAlgorithm algorithm, EVP_PKEY *key, DmDigest digest, const DmHash *hash,
                          GError **error)
{
    gsize length = 0;

    if (!key_fits(algorithm, key)) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "the key does not fit the signature algorithm");
        return NULL;
    }
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    if (context != NULL && EVP_PKEY_sign_init(context) > 0 &&
        set_up(context, algorithm, digest, RSA_PSS_SALTLEN_DIGEST) &&
        EVP_PKEY_sign(context, NULL, &length, hash->bytes, hash->length) > 0) {
        g_autofree guint8 *value = g_malloc(length);
        if (EVP_PKEY_sign(context, value, &length, hash->bytes, hash->length) > 0)
            return g_bytes_new_take(g_steal_pointer(&value), length);
    }
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "OpenSSL could not sign");
    return NULL;
}

static gboolean verifies(DmSignatureAlgorithm algorithm, EVP_PKEY *key, DmDigest digest, int salt, const DmHash *hash,
                         GBytes *signature)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    gsize length = 0;
    const guint8 *value = g_bytes_get_data(signature, &length);

    return context != NULL && EVP_PKEY_verify_init(context) > 0 && set_up(context, algorithm, digest, salt) &&
           EVP_PKEY_verify(context, value, length, hash->bytes, hash->length) == 1;
}

DmSignatureResult dm_signature_check(DmSignatureAlgorithm algorithm, EVP_PKEY *key, DmDigest digest, const DmHash *hash,
                                     GBytes *signature)
{
    if (!key_fits(algorithm, key))
        return DM_SIGNATURE_WRONG_KEY;
    if (verifies(algorithm, key, digest, RSA_PSS_SALTLEN_DIGEST, hash, signature))
        return DM_SIGNATURE_GOOD;
    if (algorithm != DM_SIGNATURE_PSS)
        return DM_SIGNATURE_BAD;
    /* A key restricted by its parameters takes no automatic length, only its own. */
    if (verifies(algorithm, key, digest, RSA_PSS_SALTLEN_AUTO, hash, signature) ||
        verifies(algorithm, key, digest, G_MAXINT, hash, signature))
        return DM_SIGNATURE_GOOD_OTHER_SALT;
    return DM_SIGNATURE_BAD;
}
