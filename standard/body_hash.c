#include "standard/body_hash.h"

#include <string.h>

/* The bytes seen last that count only if something else follows are `line_ends` times CRLF, then a CR if `after_cr`. */
struct DmBodyHash {
    EVP_MD_CTX *context;
    guint64 line_ends;
    gboolean after_cr;
    gboolean failed;
};

DmBodyHash *dm_body_hash_new(DmDigest digest)
{
    DmBodyHash *hash = g_new0(DmBodyHash, 1);

    hash->context = EVP_MD_CTX_new();
    hash->failed = hash->context == NULL || EVP_DigestInit_ex(hash->context, dm_digest_evp(digest), NULL) != 1;
    return hash;
}

static void hash_bytes(DmBodyHash *hash, const void *data, gsize length)
{
    if (!hash->failed && length > 0)
        hash->failed = EVP_DigestUpdate(hash->context, data, length) != 1;
}

static void hash_waiting(DmBodyHash *hash)
{
    static const char line_ends[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    const guint64 at_once = (sizeof line_ends - 1) / 2;

    while (hash->line_ends > 0) {
        guint64 count = MIN(hash->line_ends, at_once);
        hash_bytes(hash, line_ends, count * 2);
        hash->line_ends -= count;
    }
    if (hash->after_cr)
        hash_bytes(hash, "\r", 1);
    hash->after_cr = FALSE;
}

/* Takes the line ends at the start of the piece that continue those that wait; returns where they end. */
static const char *take_line_ends(DmBodyHash *hash, const char *at, const char *end)
{
    for (; at < end; at++) {
        if (hash->after_cr && *at == '\n')
            hash->line_ends++;
        else if (hash->after_cr || *at != '\r')
            break;
        hash->after_cr = *at == '\r';
    }
    return at;
}

void dm_body_hash_update(DmBodyHash *hash, const void *data, gsize length)
{
    const char *end = (const char *)data + length;
    const char *at = take_line_ends(hash, data, end);

    if (at == end)
        return;
    hash_waiting(hash);
    const char *stop = end;
    if (stop[-1] == '\r') {
        hash->after_cr = TRUE;
        stop--;
    }
    while (stop - at >= 2 && stop[-2] == '\r' && stop[-1] == '\n') {
        hash->line_ends++;
        stop -= 2;
    }
    hash_bytes(hash, at, (gsize)(stop - at));
}

char *dm_body_hash_finish(DmBodyHash *hash)
{
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;

    if (hash->after_cr)
        hash_waiting(hash);
    hash_bytes(hash, "\r\n", 2);
    gboolean done = !hash->failed && EVP_DigestFinal_ex(hash->context, digest, &length) == 1;
    dm_body_hash_free(hash);
    return done ? g_base64_encode(digest, length) : NULL;
}

void dm_body_hash_free(DmBodyHash *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    g_free(hash);
}
