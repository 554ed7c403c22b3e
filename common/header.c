#include "common/header.h"

#include "common/address_text.h"
#include "common/encoded_word.h"

#include <gmime/gmime.h>
#include <string.h>

struct DmHeaders {
    GArray *fields; /* of DmHeader */
    gsize size;     /* bytes in names and values */
};

static void clear_field(gpointer data)
{
    DmHeader *field = data;

    g_free(field->name);
    g_free(field->value);
}

DmHeaders *dm_headers_new(void)
{
    DmHeaders *headers = g_new0(DmHeaders, 1);

    headers->fields = g_array_new(FALSE, FALSE, sizeof(DmHeader));
    g_array_set_clear_func(headers->fields, clear_field);
    return headers;
}

void dm_headers_free(DmHeaders *headers)
{
    if (headers == NULL)
        return;
    g_array_unref(headers->fields);
    g_free(headers);
}

/* "\r\n" as "\n"; other bytes as they are. */
static char *with_plain_folds(const char *value)
{
    char *copy = g_strdup(value);
    char *out = copy;

    for (const char *in = copy; *in != '\0'; in++) {
        if (in[0] == '\r' && in[1] == '\n')
            continue;
        *out++ = *in;
    }
    *out = '\0';
    return copy;
}

gboolean dm_headers_append(DmHeaders *headers, const char *name, const char *value, GError **error)
{
    gsize size = strlen(name) + strlen(value);

    if (size > DM_HEADERS_MAX - headers->size) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the header is larger than %d bytes", DM_HEADERS_MAX);
        return FALSE;
    }
    headers->size += size;
    DmHeader field = {g_strdup(name), with_plain_folds(value)};
    g_array_append_val(headers->fields, field);
    return TRUE;
}

void dm_headers_prepend(DmHeaders *headers, const char *name, const char *text)
{
    DmHeader field = {g_strdup(name), g_strconcat(" ", text, NULL)};

    g_array_prepend_val(headers->fields, field);
}

guint dm_headers_length(const DmHeaders *headers)
{
    return headers->fields->len;
}

const DmHeader *dm_headers_at(const DmHeaders *headers, guint index)
{
    return &g_array_index(headers->fields, DmHeader, index);
}

guint dm_headers_count(const DmHeaders *headers, const char *name)
{
    guint count = 0;

    for (guint i = 0; i < headers->fields->len; i++) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i)->name, name) == 0)
            count++;
    }
    return count;
}

const char *dm_headers_get(const DmHeaders *headers, const char *name, guint n)
{
    for (guint i = 0; i < headers->fields->len; i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        if (g_ascii_strcasecmp(field->name, name) == 0 && n-- == 0)
            return field->value;
    }
    return NULL;
}

void dm_headers_set_at(DmHeaders *headers, guint index, const char *text)
{
    DmHeader *field = &g_array_index(headers->fields, DmHeader, index);

    g_free(field->value);
    field->value = g_strconcat(" ", text, NULL);
}

void dm_headers_replace(DmHeaders *headers, const char *name, guint n, const char *text)
{
    for (guint i = 0; i < headers->fields->len; i++) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i)->name, name) == 0 && --n == 0) {
            dm_headers_set_at(headers, i, text);
            return;
        }
    }
}

void dm_headers_remove_at(DmHeaders *headers, guint index)
{
    g_array_remove_index(headers->fields, index);
}

void dm_headers_remove(DmHeaders *headers, const char *name)
{
    for (guint i = headers->fields->len; i > 0; i--) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i - 1)->name, name) == 0)
            dm_headers_remove_at(headers, i - 1);
    }
}

void dm_headers_remove_prefix(DmHeaders *headers, const char *prefix)
{
    for (guint i = headers->fields->len; i > 0; i--) {
        if (g_ascii_strncasecmp(dm_headers_at(headers, i - 1)->name, prefix, strlen(prefix)) == 0)
            dm_headers_remove_at(headers, i - 1);
    }
}

static void append_folded(GString *out, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n')
            g_string_append(out, "\r\n");
        else
            g_string_append_c(out, *c);
    }
}

void dm_headers_write(const DmHeaders *headers, GString *out)
{
    for (guint i = 0; i < headers->fields->len; i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        g_string_append(out, field->name);
        g_string_append_c(out, ':');
        append_folded(out, field->value);
        g_string_append(out, "\r\n");
    }
}

/* The end of the field that begins at `field`: behind its last line end, folded lines included. */
static const char *field_end(const char *field, const char *end)
{
    for (const char *c = field; c < end; c++) {
        if (*c == '\n' && (c + 1 == end || (c[1] != ' ' && c[1] != '\t')))
            return c + 1;
    }
    return end;
}

static gboolean parse_field(DmHeaders *headers, const char *field, gsize length, GError **error)
{
    const char *colon = memchr(field, ':', length);
    gsize name_length = colon != NULL ? (gsize)(colon - field) : 0;

    while (name_length > 0 && (field[name_length - 1] == ' ' || field[name_length - 1] == '\t'))
        name_length--;
    for (gsize i = 0; i < name_length; i++) {
        if (!g_ascii_isgraph(field[i]))
            name_length = 0;
    }
    if (name_length == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "line %u of the header is no field",
                    dm_headers_length(headers) + 1);
        return FALSE;
    }
    if (memchr(field, '\0', length) != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "field %u of the header holds a NUL",
                    dm_headers_length(headers) + 1);
        return FALSE;
    }
    gsize value_length = length - (gsize)(colon + 1 - field);
    if (value_length > 0 && colon[value_length] == '\n')
        value_length--;
    if (value_length > 0 && colon[value_length] == '\r')
        value_length--;
    g_autofree char *name = g_strndup(field, name_length);
    g_autofree char *value = g_strndup(colon + 1, value_length);
    return dm_headers_append(headers, name, value, error);
}

DmHeaders *dm_headers_parse(const char *block, gsize length, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    const char *end = block + length;

    for (const char *field = block; field < end;) {
        const char *next = field_end(field, end);
        if (!parse_field(headers, field, (gsize)(next - field), error))
            return NULL;
        field = next;
    }
    return g_steal_pointer(&headers);
}

char *dm_header_unfold(const char *value)
{
    GString *line = g_string_sized_new(strlen(value));

    for (const char *c = value; *c != '\0'; c++) {
        if (*c != '\n' && *c != '\r')
            g_string_append_c(line, *c);
    }
    return g_strstrip(g_string_free(line, FALSE));
}

char *dm_header_decode(const char *value)
{
    static const char *const charsets[] = {"utf-8", "iso-8859-1", NULL};
    g_autofree char *line = dm_header_unfold(value);

    /* Most ordinary mail: nothing to decode. */
    if (g_str_is_ascii(line) && strstr(line, "=?") == NULL)
        return g_steal_pointer(&line);

    GMimeParserOptions *options = g_mime_parser_options_new();

    g_mime_parser_options_set_fallback_charsets(options, (const char **)charsets);
    g_autofree char *joined = dm_encoded_words_join(line);
    g_autofree char *text = g_mime_utils_header_decode_text(options, joined);
    g_mime_parser_options_free(options);
    /* GMime takes what is beyond U+10FFFF for UTF-8. */
    return g_utf8_make_valid(text, -1);
}

/* GMime forgets the blank after the line end where one encoded word follows another: the next line would be no part of
 * the field. */
static char *with_whole_folds(const char *value)
{
    GString *text = g_string_sized_new(strlen(value));

    for (const char *c = value; *c != '\0'; c++) {
        g_string_append_c(text, *c);
        if (*c == '\n' && c[1] != ' ' && c[1] != '\t')
            g_string_append_c(text, ' ');
    }
    return g_string_free(text, FALSE);
}

char *dm_header_encode(const char *name, const char *text)
{
    g_autofree char *encoded = g_mime_utils_header_encode_text(NULL, text, "utf-8");
    g_autofree char *field = g_strdup_printf("%s: %s", name, encoded);
    g_autofree char *folded = g_mime_utils_unstructured_header_fold(NULL, NULL, field);
    const char *value = folded + strlen(name) + 1;

    while (*value == ' ')
        value++;
    g_autofree char *plain = with_plain_folds(value);
    return with_whole_folds(g_strchomp(plain));
}

static void collect_mailboxes(InternetAddressList *list, GPtrArray *out)
{
    for (int i = 0; i < internet_address_list_length(list); i++) {
        InternetAddress *address = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_GROUP(address)) {
            collect_mailboxes(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), out);
            continue;
        }
        const char *spec = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
        if (spec == NULL || spec[0] == '\0')
            continue;
        DmMailbox *mailbox = g_new0(DmMailbox, 1);
        mailbox->name = g_strdup(internet_address_get_name(address));
        mailbox->address = g_strdup(spec);
        g_ptr_array_add(out, mailbox);
    }
}

static void free_mailbox(gpointer data)
{
    DmMailbox *mailbox = data;

    g_free(mailbox->name);
    g_free(mailbox->address);
    g_free(mailbox);
}

static void note_warning(gint64 offset, GMimeParserWarning code, const char *item, gpointer data)
{
    (void)offset;
    (void)item;
    if (code == GMIME_WARN_INVALID_ADDRESS_LIST)
        *(gboolean *)data = FALSE;
}

GPtrArray *dm_header_mailboxes(const char *value, gboolean *clean)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(free_mailbox);
    g_autofree char *line = dm_header_unfold(value);

    if (dm_address_text_is_crowded(line)) {
        if (clean != NULL)
            *clean = FALSE;
        return out;
    }
    gboolean without_warning = TRUE;
    gboolean whole = TRUE;
    g_autofree char *readable = dm_address_text_readable(line, &whole);
    GMimeParserOptions *options = g_mime_parser_options_new();

    g_mime_parser_options_set_address_compliance_mode(options, GMIME_RFC_COMPLIANCE_STRICT);
    g_mime_parser_options_set_warning_callback(options, note_warning, &without_warning);
    InternetAddressList *list = internet_address_list_parse(options, readable);
    g_mime_parser_options_free(options);
    if (list != NULL) {
        collect_mailboxes(list, out);
        g_object_unref(list);
    } else if (line[0] != '\0') {
        without_warning = FALSE;
    }
    if (clean != NULL)
        *clean = without_warning && whole;
    return out;
}
