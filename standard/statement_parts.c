#include "standard/statement_parts.h"

#include <gmime/gmime.h>
#include <string.h>

static const char *next_line(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (gsize)(end - line));

    return newline != NULL ? newline + 1 : end;
}

static gboolean starts_with(const char *line, const char *end, const char *word)
{
    return (gsize)(end - line) >= strlen(word) && g_ascii_strncasecmp(line, word, strlen(word)) == 0;
}

/* Whether the line can be the head of a part, or of a message in a part. */
static gboolean opens_part(const char *line, const char *end)
{
    return starts_with(line, end, "--") || starts_with(line, end, "Content-Type");
}

/* Whether the line can begin a field that GMime reads as addresses. */
static gboolean opens_addresses(const char *line, const char *end)
{
    static const char *const names[] = {"From", "Sender", "Reply-To", "To", "Cc", "Bcc"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (starts_with(line, end, names[i]))
            return TRUE;
    }
    return FALSE;
}

/* Whether the field, with the lines that continue it, is too long or has too many groups. */
static gboolean is_crowded_field(const char *field, const char *end)
{
    const char *line = field;
    guint colons = 0;

    do {
        const char *next = next_line(line, end);
        for (; line < next; line++)
            colons += *line == ':' ? 1 : 0;
    } while (line < end && (*line == ' ' || *line == '\t'));
    return colons > DM_GROUPS_MAX || line - field > DM_STATEMENT_FIELD_MAX;
}

gboolean dm_statement_parts_crowded(const char *body, gsize length)
{
    guint parts = 0;
    const char *end = body + length;

    for (const char *line = body; line < end; line = next_line(line, end)) {
        if (opens_part(line, end) && ++parts > DM_STATEMENT_HEADS_MAX)
            return TRUE;
        if (opens_addresses(line, end) && is_crowded_field(line, end))
            return TRUE;
    }
    return FALSE;
}

static GBytes *decode(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GByteArray *bytes = g_byte_array_new();

    if (content != NULL) {
        GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
        g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
        g_mime_data_wrapper_write_to_stream(content, stream);
        g_object_unref(stream);
    }
    return g_byte_array_free_to_bytes(bytes);
}

static gboolean is_xml(GMimeContentType *type)
{
    return g_mime_content_type_is_type(type, "application", "xml") ||
           g_mime_content_type_is_type(type, "text", "xml") ||
           g_mime_content_type_is_type(type, "application", "samlassertion+xml");
}

static void add_part(GMimeObject *parent, GMimeObject *object, gpointer data)
{
    DmStatementParts *parts = data;
    GMimeContentType *type = g_mime_object_get_content_type(object);

    (void)parent;
    if (!GMIME_IS_PART(object)) {
        parts->other_count += GMIME_IS_MULTIPART(object) ? 0U : 1U;
    } else if (is_xml(type)) {
        if (parts->xml_count++ == 0)
            parts->xml = decode(GMIME_PART(object));
    } else if (g_mime_content_type_is_type(type, "application", "pdf")) {
        if (parts->pdf == NULL)
            parts->pdf = decode(GMIME_PART(object));
    } else if (!g_mime_content_type_is_type(type, "text", "*")) {
        parts->other_count++;
    }
}

/* What follows the first empty line; NULL if there is none. */
static const char *find_body(const char *message, const char *end)
{
    for (const char *line = message; line < end; line++) {
        if (*line == '\n' || (end - line >= 2 && line[0] == '\r' && line[1] == '\n'))
            return line + (*line == '\n' ? 1 : 2);
        line = memchr(line, '\n', (gsize)(end - line));
        if (line == NULL)
            return NULL;
    }
    return NULL;
}

/* The body with no header but its type, as GMime reads one part. */
static GMimeObject *parse(const char *type, const char *body, gsize length)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, (const guchar *)"Content-Type:", strlen("Content-Type:"));
    g_byte_array_append(bytes, (const guchar *)type, (guint)strlen(type));
    g_byte_array_append(bytes, (const guchar *)"\r\n\r\n", 4);
    g_byte_array_append(bytes, (const guchar *)body, (guint)length);
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), TRUE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeObject *object = g_mime_parser_construct_part(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    return object;
}

gboolean dm_statement_parts_read(const DmHeaders *headers, const char *message, gsize length, DmStatementParts *parts)
{
    const char *type = dm_headers_get(headers, "Content-Type", 0);
    const char *body = find_body(message, message + length);
    gboolean is_mixed = FALSE;

    memset(parts, 0, sizeof(*parts));
    if (type == NULL || body == NULL || dm_statement_parts_crowded(body, (gsize)(message + length - body)))
        return FALSE;
    g_autofree char *line = dm_header_unfold(type);
    GMimeObject *object = parse(line, body, (gsize)(message + length - body));

    if (object != NULL && GMIME_IS_MULTIPART(object) &&
        g_mime_content_type_is_type(g_mime_object_get_content_type(object), "multipart", "mixed")) {
        is_mixed = TRUE;
        g_mime_multipart_foreach(GMIME_MULTIPART(object), add_part, parts);
    }
    g_clear_object(&object);
    return is_mixed;
}

void dm_statement_parts_clear(DmStatementParts *parts)
{
    g_clear_pointer(&parts->xml, g_bytes_unref);
    g_clear_pointer(&parts->pdf, g_bytes_unref);
}
