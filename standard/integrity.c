#include "standard/integrity.h"

#include "common/demail.h"

#include <string.h>

/* PVD IO 3.1.21, in this order. */
static const char *const hashed_fields[] = {
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

struct DmBodyHash {
    GChecksum *checksum;
    guint64 empty_lines; /* CRLFs seen that count only if something follows */
    gboolean after_cr;   /* the last byte was a CR whose LF may come */
    gboolean any;        /* some byte was hashed */
    gboolean in_line;    /* the present line has bytes */
};

DmBodyHash *dm_body_hash_new(void)
{
    DmBodyHash *hash = g_new0(DmBodyHash, 1);

    hash->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    return hash;
}

static void hash_bytes(DmBodyHash *hash, const void *data, gsize length)
{
    for (; hash->empty_lines > 0; hash->empty_lines--)
        g_checksum_update(hash->checksum, (const guchar *)"\r\n", 2);
    g_checksum_update(hash->checksum, data, (gssize)length);
    hash->any = TRUE;
}

/* Takes one CRLF: the end of a line with bytes is hashed, an empty line waits. */
static void take_line_end(DmBodyHash *hash)
{
    if (hash->in_line)
        hash_bytes(hash, "\r\n", 2);
    else
        hash->empty_lines++;
    hash->in_line = FALSE;
}

void dm_body_hash_update(DmBodyHash *hash, const void *data, gsize length)
{
    const char *at = data;
    const char *end = at + length;

    while (at < end) {
        if (hash->after_cr) {
            hash->after_cr = FALSE;
            if (*at == '\n') {
                take_line_end(hash);
                at++;
                continue;
            }
            hash_bytes(hash, "\r", 1);
            hash->in_line = TRUE;
        }
        const char *cr = memchr(at, '\r', (gsize)(end - at));
        const char *stop = cr != NULL ? cr : end;
        if (stop > at) {
            hash_bytes(hash, at, (gsize)(stop - at));
            hash->in_line = TRUE;
        }
        hash->after_cr = cr != NULL;
        at = cr != NULL ? cr + 1 : end;
    }
}

char *dm_body_hash_finish(DmBodyHash *hash)
{
    guint8 digest[32];
    gsize length = sizeof digest;

    if (hash->after_cr) {
        hash_bytes(hash, "\r", 1);
        hash->in_line = TRUE;
    }
    if (hash->in_line || !hash->any) {
        hash->empty_lines = 0;
        hash_bytes(hash, "\r\n", 2);
    }
    g_checksum_get_digest(hash->checksum, digest, &length);
    dm_body_hash_free(hash);
    return g_base64_encode(digest, length);
}

void dm_body_hash_free(DmBodyHash *hash)
{
    if (hash == NULL)
        return;
    g_checksum_free(hash->checksum);
    g_free(hash);
}

static gboolean is_listed(const DmHeaders *headers, const char *field)
{
    return strcmp(field, DM_FIELD_PRIVATE_ID) != 0 || dm_headers_get(headers, field, 0) != NULL;
}

static char *field_list(const DmHeaders *headers)
{
    GString *list = g_string_new("h=");
    gsize line = 3;

    for (gsize i = 0; i < G_N_ELEMENTS(hashed_fields); i++) {
        if (!is_listed(headers, hashed_fields[i]))
            continue;
        if (line + strlen(hashed_fields[i]) > 74) {
            g_string_append(list, "\n  ");
            line = 2;
        }
        g_string_append_printf(list, "%s%s", i > 0 ? ":" : "", hashed_fields[i]);
        line += strlen(hashed_fields[i]) + 1;
    }
    return g_string_free(list, FALSE);
}

static void append_field(GString *text, const char *name, const char *value, gboolean last)
{
    g_autoptr(DmHeaders) one = dm_headers_new();

    /* One field of a bounded header is within the bound. */
    if (dm_headers_append(one, name, value, NULL))
        dm_headers_write(one, text);
    if (last && text->len >= 2)
        g_string_truncate(text, text->len - 2);
}

/* RFC 6376 3.7 with simple header canonicalisation; the integrity field itself last, b= empty, without line end. */
char *dm_integrity_header_hash(const DmHeaders *headers, const char *value_without_hash)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *value = g_strconcat(" ", value_without_hash, NULL);
    guint8 digest[32];
    gsize length = sizeof digest;

    for (gsize i = 0; i < G_N_ELEMENTS(hashed_fields); i++) {
        for (guint n = 0; n < dm_headers_length(headers); n++) {
            const DmHeader *field = dm_headers_at(headers, n);
            if (g_ascii_strcasecmp(field->name, hashed_fields[i]) != 0)
                continue;
            append_field(text, field->name, field->value, FALSE);
            break;
        }
    }
    append_field(text, DM_FIELD_INTEGRITY, value, TRUE);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)text->str, (gssize)text->len);
    g_checksum_get_digest(checksum, digest, &length);
    return g_base64_encode(digest, length);
}

char *dm_integrity_make(const DmHeaders *headers, const char *body_hash, const char *domain, const char *selector)
{
    g_autofree char *list = field_list(headers);
    g_autofree char *value = g_strdup_printf(
        "v=1; a=sha256; c=simple/simple; d=%s;\n s=%s;\n %s;\n bh=%s;\n b=", domain, selector, list, body_hash);
    g_autofree char *hash = dm_integrity_header_hash(headers, value);

    return g_strconcat(value, hash, NULL);
}
