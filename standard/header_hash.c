#include "standard/header_hash.h"

#include "common/demail.h"

static const char *const hashed_fields[DM_HASHED_FIELD_COUNT] = {
    "From",
    "Date",
    "Message-ID",
    "Subject",
    "Reply-To",
    DM_FIELD_DISPATCH,
    DM_FIELD_RECEIPT,
    DM_FIELD_RETRIEVE,
    DM_FIELD_AUTHORITATIVE,
    DM_FIELD_PRIVATE,
    DM_FIELD_SENDER,
    DM_FIELD_CHOSEN_RECIPIENT,
    DM_FIELD_AUTH_MECHANISM,
    DM_FIELD_AUTH_LEVEL,
    DM_FIELD_PROVIDER,
    DM_FIELD_MESSAGE_TYPE,
    DM_FIELD_VERSION,
    DM_FIELD_PRIVATE_ID,
    DM_FIELD_MESSAGE_ID,
    DM_FIELD_ACCOUNT_HOLDER,
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

const char *dm_hashed_field(guint i)
{
    return hashed_fields[i];
}

int dm_hashed_field_index(const char *name)
{
    for (int i = 0; i < DM_HASHED_FIELD_COUNT; i++) {
        if (g_ascii_strcasecmp(hashed_fields[i], name) == 0)
            return i;
    }
    return -1;
}

gboolean dm_header_hash(const DmRawHeader *header, const GPtrArray *names, const char *integrity, gsize length,
                        DmDigest digest, DmHash *hash)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    unsigned int hash_length = 0;

    if (context == NULL || EVP_DigestInit_ex(context, dm_digest_evp(digest), NULL) != 1)
        return FALSE;
    for (guint i = 0; i < names->len; i++) {
        const DmRawField *field = dm_raw_header_get(header, g_ptr_array_index(names, i));
        if (field != NULL &&
            (EVP_DigestUpdate(context, field->octets, field->length) != 1 || EVP_DigestUpdate(context, "\r\n", 2) != 1))
            return FALSE;
    }
    if (EVP_DigestUpdate(context, integrity, length) != 1 ||
        EVP_DigestFinal_ex(context, hash->bytes, &hash_length) != 1)
        return FALSE;
    hash->length = hash_length;
    return TRUE;
}
