#include "standard/raw_header.h"

#include <string.h>

struct DmRawHeader {
    char *block;
    GArray *fields;    /* of DmRawField */
    GHashTable *first; /* name in lower case to the number of its first field in `fields` */
    gboolean converted;
};

/* Whether the lines up to the first empty one end with a bare LF, all of them. */
static gboolean has_plain_lines(const char *block, gsize length)
{
    const char *empty_line = memmem(block, length, "\n\n", 2);
    gsize header = empty_line != NULL ? (gsize)(empty_line - block) : length;

    return memchr(block, '\n', length) != NULL && memmem(block, header, "\r\n", 2) == NULL;
}

gsize dm_raw_header_end(const char *block, gsize length, gsize *header)
{
    gboolean plain = has_plain_lines(block, length);
    const char *ending = plain ? "\n\n" : "\r\n\r\n";
    gsize half = strlen(ending) / 2;

    if (length >= half && memcmp(block, ending, half) == 0) {
        *header = 0;
        return half;
    }
    const char *found = memmem(block, length, ending, 2 * half);
    if (found == NULL)
        return 0;
    *header = (gsize)(found - block) + half;
    return *header + half;
}

/* The line that begins at `line`: its length, and where the next one begins. */
static const char *next_line(const char *line, const char *end, gboolean plain, gsize *length)
{
    const char *ending = plain ? "\n" : "\r\n";
    const char *found = memmem(line, (gsize)(end - line), ending, strlen(ending));

    *length = (gsize)((found != NULL ? found : end) - line);
    return found != NULL ? found + strlen(ending) : end;
}

static void judge_line(const char *line, gsize length, DmFindings *findings)
{
    if (length > DM_LINE_MAX)
        dm_findings_fail(findings, "syntax.header-line-length");
    for (gsize i = 0; i < length; i++) {
        guchar c = (guchar)line[i];
        if (c == '\0')
            dm_findings_fail(findings, "syntax.nul");
        else if (c == '\r')
            dm_findings_fail(findings, "syntax.bare-cr");
        else if (c == '\n')
            dm_findings_fail(findings, "syntax.bare-lf");
        else if (c >= 0x80)
            dm_findings_fail(findings, "syntax.header-8bit");
    }
}

static gboolean is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Splits a field at its colon; FALSE if it is none. */
static gboolean split_field(DmRawField *field)
{
    const char *colon = memchr(field->octets, ':', field->length);

    if (colon == NULL)
        return FALSE;
    field->value = (gsize)(colon - field->octets) + 1;
    field->name_length = field->value - 1;
    while (field->name_length > 0 && is_blank(field->octets[field->name_length - 1]))
        field->name_length--;
    for (gsize i = 0; i < field->name_length; i++) {
        if (!g_ascii_isgraph(field->octets[i]))
            return FALSE;
    }
    return field->name_length > 0;
}

static gboolean add_field(DmRawHeader *header, const char *start, const char *end)
{
    DmRawField field = {.octets = start, .length = (gsize)(end - start)};

    if (!split_field(&field))
        return FALSE;
    g_autofree char *key = g_ascii_strdown(field.octets, (gssize)field.name_length);
    if (!g_hash_table_contains(header->first, key))
        g_hash_table_insert(header->first, g_steal_pointer(&key), GUINT_TO_POINTER(header->fields->len));
    g_array_append_val(header->fields, field);
    return TRUE;
}

static void read_fields(DmRawHeader *header, const char *end, DmFindings *findings)
{
    const char *field = header->block;
    gboolean clean = TRUE;

    for (const char *line = header->block; line < end;) {
        gsize length = 0;
        const char *next = next_line(line, end, header->converted, &length);
        if (findings != NULL)
            judge_line(line, length, findings);
        if (next == end || !is_blank(*next)) {
            clean = add_field(header, field, line + length) && clean;
            field = next;
        }
        line = next;
    }
    if (!clean && findings != NULL)
        dm_findings_fail(findings, "syntax.header-line");
}

DmRawHeader *dm_raw_header_read(const char *block, gsize length, DmFindings *findings)
{
    DmRawHeader *header = g_new0(DmRawHeader, 1);

    header->block = g_memdup2(block, length);
    header->fields = g_array_new(FALSE, FALSE, sizeof(DmRawField));
    header->first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    header->converted = length > 0 && has_plain_lines(block, length);
    if (header->converted && findings != NULL)
        dm_findings_fail(findings, "syntax.bare-lf");
    if (length > 0)
        read_fields(header, header->block + length, findings);
    return header;
}

void dm_raw_header_free(DmRawHeader *header)
{
    if (header == NULL)
        return;
    g_free(header->block);
    g_hash_table_unref(header->first);
    g_array_unref(header->fields);
    g_free(header);
}

gboolean dm_raw_header_is_converted(const DmRawHeader *header)
{
    return header->converted;
}

const DmRawField *dm_raw_header_get(const DmRawHeader *header, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    gpointer number = NULL;

    if (!g_hash_table_lookup_extended(header->first, key, NULL, &number))
        return NULL;
    return &g_array_index(header->fields, DmRawField, GPOINTER_TO_UINT(number));
}

DmHeaders *dm_raw_header_decode(const DmRawHeader *header, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();

    for (guint i = 0; i < header->fields->len; i++) {
        const DmRawField *field = &g_array_index(header->fields, DmRawField, i);
        g_autofree char *name = g_strndup(field->octets, field->name_length);
        g_autofree char *value = g_strndup(field->octets + field->value, field->length - field->value);
        if (!dm_headers_append(headers, name, value, error))
            return NULL;
    }
    return g_steal_pointer(&headers);
}
