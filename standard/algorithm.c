#include "standard/algorithm.h"

#include <string.h>

static const char *const digest_names[] = {"sha256", "sha384", "sha512"};
static const char *const signature_names[] = {NULL, "rsa", "ec-dsa", "rsassa-pss"};

const char *dm_digest_name(DmDigest digest)
{
    return digest_names[digest];
}

const EVP_MD *dm_digest_evp(DmDigest digest)
{
    switch (digest) {
    case DM_DIGEST_SHA256:
        return EVP_sha256();
    case DM_DIGEST_SHA384:
        return EVP_sha384();
    case DM_DIGEST_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

const char *dm_signature_name(DmSignatureAlgorithm signature)
{
    return signature_names[signature];
}

static gboolean find_name(const char *const *names, gsize count, const char *text, gsize length, guint *index)
{
    for (guint i = 0; i < count; i++) {
        if (names[i] != NULL && strlen(names[i]) == length && strncmp(names[i], text, length) == 0) {
            *index = i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean dm_algorithm_parse(const char *text, DmDigest *digest, DmSignatureAlgorithm *signature)
{
    const char *slash = strchr(text, '/');
    gsize length = slash != NULL ? (gsize)(slash - text) : strlen(text);
    guint digest_index = 0;
    guint signature_index = DM_SIGNATURE_NONE;

    if (!find_name(digest_names, G_N_ELEMENTS(digest_names), text, length, &digest_index))
        return FALSE;
    if (slash != NULL &&
        !find_name(signature_names, G_N_ELEMENTS(signature_names), slash + 1, strlen(slash + 1), &signature_index))
        return FALSE;
    *digest = (DmDigest)digest_index;
    *signature = (DmSignatureAlgorithm)signature_index;
    return TRUE;
}
