#include "standard/integrity.h"

#include "common/demail.h"
#include "standard/base64.h"
#include "standard/header_hash.h"
#include "standard/signature.h"

#include <string.h>

#define LINE_WIDTH 74 /* of a folded line, without its leading blank */

/* What h= names: fields that are absent too, so that none can be added later; only private-id must exist. */
static GPtrArray *covered_fields(const DmHeaders *headers)
{
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < DM_HASHED_FIELD_COUNT; i++) {
        const char *name = dm_hashed_field(i);
        if (strcmp(name, DM_FIELD_PRIVATE_ID) != 0 || dm_headers_get(headers, name, 0) != NULL)
            g_ptr_array_add(names, (gpointer)name);
    }
    return names;
}

static char *field_list(const GPtrArray *names)
{
    GString *list = g_string_new("h=");
    gsize line = list->len;

    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        if (line + strlen(name) > LINE_WIDTH) {
            g_string_append(list, "\n  ");
            line = 2;
        }
        g_string_append_printf(list, "%s%s", i > 0 ? ":" : "", name);
        line += strlen(name) + 1;
    }
    return g_string_free(list, FALSE);
}

static char *value_without_hash(const DmIntegrityMaker *maker, const GPtrArray *names, const char *body_hash)
{
    const gboolean is_signed = maker->signature != DM_SIGNATURE_NONE;
    g_autofree char *list = field_list(names);

    return g_strdup_printf(
        "v=1; a=%s%s%s; c=simple/simple; d=%s;\n s=%s;%s\n %s;\n bh=%s;\n b=", dm_digest_name(maker->digest),
        is_signed ? "/" : "", is_signed ? dm_signature_name(maker->signature) : "", maker->domain, maker->selector,
        is_signed ? "\n q=" DM_INTEGRITY_QUERY ";" : "", list, body_hash);
}

static gboolean hash_header(const DmHeaders *headers, const GPtrArray *names, const char *value, DmDigest digest,
                            DmHash *hash, GError **error)
{
    g_autoptr(GString) block = g_string_new(NULL);
    g_autoptr(GString) field = g_string_new(NULL);
    g_autoptr(DmHeaders) one = dm_headers_new();
    g_autofree char *spaced = g_strconcat(" ", value, NULL);

    if (!dm_headers_append(one, DM_FIELD_INTEGRITY, spaced, error))
        return FALSE;
    dm_headers_write(headers, block);
    dm_headers_write(one, field);
    g_autoptr(DmRawHeader) raw = dm_raw_header_read(block->str, block->len, NULL);
    if (dm_header_hash(raw, names, field->str, field->len - strlen("\r\n"), digest, hash))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "OpenSSL could not hash");
    return FALSE;
}

char *dm_integrity_make(const DmIntegrityMaker *maker, const DmHeaders *headers, const char *body_hash, GError **error)
{
    g_autoptr(GPtrArray) names = covered_fields(headers);
    g_autofree char *value = value_without_hash(maker, names, body_hash);
    g_autoptr(GBytes) result = NULL;
    DmHash hash;

    if (!hash_header(headers, names, value, maker->digest, &hash, error))
        return NULL;
    if (maker->signature == DM_SIGNATURE_NONE)
        result = g_bytes_new(hash.bytes, hash.length);
    else
        result = dm_signature_make(maker->signature, maker->key, maker->digest, &hash, error);
    if (result == NULL)
        return NULL;
    gsize length = 0;
    const void *data = g_bytes_get_data(result, &length);
    g_autofree char *b = dm_base64_fold(data, length, LINE_WIDTH - strlen("b="), LINE_WIDTH);
    return g_strconcat(value, b, NULL);
}
