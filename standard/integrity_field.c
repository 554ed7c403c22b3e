#include "standard/integrity_field.h"

#include "common/demail.h"
#include "standard/base64.h"
#include "standard/demail_address.h"
#include "standard/header_hash.h"
#include "standard/tag_list.h"

#include <string.h>

static const char *value_of(const GPtrArray *tags, const char *name)
{
    const DmTag *tag = dm_tag_list_find(tags, name);

    return tag != NULL ? tag->value : NULL;
}

static gboolean is(const char *value, const char *expected)
{
    return value != NULL && strcmp(value, expected) == 0;
}

/* RFC 6376 3.2 forbids a tag twice, 3.5 requires these. */
static void judge_set(const GPtrArray *tags, DmFindings *findings)
{
    static const char *const required[] = {"v", "a", "b", "bh", "d", "h", "s"};
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < tags->len; i++) {
        const DmTag *tag = g_ptr_array_index(tags, i);
        if (!g_hash_table_add(names, tag->name))
            dm_findings_fail(findings, "integrity.duplicate-tag");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(required); i++) {
        if (!g_hash_table_contains(names, required[i]))
            dm_findings_fail(findings, "integrity.missing-tag");
    }
}

static void judge_algorithm(const GPtrArray *tags, DmIntegrityField *field, DmFindings *findings)
{
    const char *algorithm = value_of(tags, "a");

    if (algorithm == NULL)
        return;
    findings->algorithm = g_strdup(algorithm);
    findings->form = strchr(algorithm, '/') != NULL ? DM_FORM_SIGNED : DM_FORM_HASH;
    field->has_algorithm = dm_algorithm_parse(algorithm, &field->digest, &field->signature);
    if (!field->has_algorithm) {
        dm_findings_fail(findings, "integrity.algorithm");
        return;
    }
    findings->digest = g_strdup(dm_digest_name(field->digest));
    findings->signature_algorithm = g_strdup(dm_signature_name(field->signature));
}

static void judge_canonicalization(const GPtrArray *tags, DmIntegrityField *field, DmFindings *findings)
{
    const char *value = value_of(tags, "c");

    if (value == NULL || is(value, "simple")) {
        dm_findings_warn(findings, "integrity.canonicalization-default");
    } else if (!is(value, "simple/simple")) {
        dm_findings_fail(findings, "integrity.canonicalization");
        field->comparable = FALSE;
    }
}

static void judge_expiry(const char *value, gint64 at, DmFindings *findings)
{
    guint64 expiry = 0;

    if (value != NULL && g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &expiry, NULL) && (gint64)expiry < at)
        dm_findings_warn(findings, "integrity.expired");
}

static void judge_other(const GPtrArray *tags, const DmIntegrityField *field, gint64 at, DmFindings *findings)
{
    const char *version = value_of(tags, "v");
    const char *domain = value_of(tags, "d");
    const char *selector = value_of(tags, "s");

    if (version != NULL && !is(version, "1"))
        dm_findings_fail(findings, "integrity.version");
    if (domain != NULL && !dm_demail_domain_is_valid(domain))
        dm_findings_fail(findings, "integrity.domain");
    if (selector != NULL && (*selector == '\0' || strpbrk(selector, " \t") != NULL))
        dm_findings_fail(findings, "integrity.selector");
    if (field->has_algorithm && field->signature != DM_SIGNATURE_NONE && !is(value_of(tags, "q"), DM_INTEGRITY_QUERY))
        dm_findings_fail(findings, "integrity.query");
    if (dm_tag_list_find(tags, "l") != NULL)
        dm_findings_warn(findings, "integrity.body-length");
    judge_expiry(value_of(tags, "x"), at, findings);
}

static gboolean is_named(const GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++) {
        if (g_ascii_strcasecmp(g_ptr_array_index(names, i), name) == 0)
            return TRUE;
    }
    return FALSE;
}

/* What h= names: each once, none but the standard's, in the standard's order. */
static void judge_names(DmIntegrityField *field, DmFindings *findings)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int last = -1;

    for (guint i = 0; i < field->names->len; i++) {
        const char *name = g_ptr_array_index(field->names, i);
        int index = dm_hashed_field_index(name);
        if (!g_hash_table_add(seen, g_ascii_strdown(name, -1))) {
            dm_findings_fail(findings, "integrity.h-duplicate");
            field->comparable = FALSE;
        } else if (index < 0) {
            dm_findings_fail(findings, "integrity.h-extra");
        } else if (index < last) {
            dm_findings_fail(findings, "integrity.h-order");
        }
        last = MAX(last, index);
    }
}

/* What h= does not name: what is there must be named, what is not should be, but for private-id. */
static void judge_coverage(const DmIntegrityField *field, const DmRawHeader *header, DmFindings *findings)
{
    for (guint i = 0; i < DM_HASHED_FIELD_COUNT; i++) {
        const char *name = dm_hashed_field(i);
        gboolean named = is_named(field->names, name);
        gboolean present = dm_raw_header_get(header, name) != NULL;
        gboolean optional = strcmp(name, DM_FIELD_PRIVATE_ID) == 0;
        if (present && !named)
            dm_findings_fail(findings, "integrity.h-missing");
        else if (!present && !named && !optional)
            dm_findings_warn(findings, "integrity.h-absent-omitted");
        else if (!present && named && optional)
            dm_findings_warn(findings, "integrity.h-absent-listed");
    }
}

static void read_names(const char *value, DmIntegrityField *field, const DmRawHeader *header, DmFindings *findings)
{
    g_auto(GStrv) names = g_strsplit(value, ":", -1);

    for (char **name = names; *name != NULL; name++) {
        g_strstrip(*name);
        if (**name == '\0' || strpbrk(*name, " \t") != NULL) {
            dm_findings_fail(findings, "integrity.h-syntax");
            field->comparable = FALSE;
            return;
        }
        g_ptr_array_add(field->names, g_strdup(*name));
    }
    judge_names(field, findings);
    judge_coverage(field, header, findings);
}

static void read_hashes(const GPtrArray *tags, DmIntegrityField *field, DmFindings *findings)
{
    const char *bh = value_of(tags, "bh");
    const char *b = value_of(tags, "b");

    if (bh != NULL) {
        g_autoptr(GBytes) bytes = dm_base64_read(bh);
        if (bytes == NULL)
            dm_findings_fail(findings, "integrity.base64");
        else
            field->body_hash = g_base64_encode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    }
    if (b != NULL) {
        field->b = dm_base64_read(b);
        if (field->b == NULL)
            dm_findings_fail(findings, "integrity.base64");
    }
}

/* RFC 6376 3.5, 3.7: all between the "=" of b and the next ";" is taken out, blanks included. */
static GString *remove_b(const DmRawField *raw, const GPtrArray *tags)
{
    const DmTag *b = dm_tag_list_find(tags, "b");
    GString *octets = g_string_new_len(raw->octets, (gssize)raw->length);

    if (b != NULL)
        g_string_erase(octets, (gssize)(raw->value + b->start), (gssize)(b->end - b->start));
    return octets;
}

DmIntegrityField *dm_integrity_field_read(const DmRawHeader *header, gint64 at, DmFindings *findings)
{
    const DmRawField *raw = dm_raw_header_get(header, DM_FIELD_INTEGRITY);
    g_autoptr(GPtrArray) tags = NULL;

    if (raw == NULL)
        return NULL;
    tags = dm_tag_list_read(raw->octets + raw->value, raw->length - raw->value);
    if (tags == NULL) {
        dm_findings_fail(findings, "integrity.syntax");
        return NULL;
    }
    DmIntegrityField *field = g_new0(DmIntegrityField, 1);
    field->names = g_ptr_array_new_with_free_func(g_free);
    field->without_b = remove_b(raw, tags);
    field->comparable = !dm_raw_header_is_converted(header);
    judge_set(tags, findings);
    judge_algorithm(tags, field, findings);
    judge_canonicalization(tags, field, findings);
    judge_other(tags, field, at, findings);
    const char *names = value_of(tags, "h");
    if (names != NULL)
        read_names(names, field, header, findings);
    else
        field->comparable = FALSE;
    read_hashes(tags, field, findings);
    return field;
}

void dm_integrity_field_free(DmIntegrityField *field)
{
    if (field == NULL)
        return;
    g_ptr_array_unref(field->names);
    g_free(field->body_hash);
    g_clear_pointer(&field->b, g_bytes_unref);
    g_string_free(field->without_b, TRUE);
    g_free(field);
}
