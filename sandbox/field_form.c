#include "sandbox/field_form.h"

#include "common/address_text.h"

#include <gmime/gmime.h>
#include <string.h>

#define LINE_MAX_LENGTH 998 /* RFC 2822 2.1.1 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(InternetAddressList, g_object_unref)

static gboolean is_address_field(const char *name)
{
    static const char *const names[] = {"From", "Sender", "Reply-To", "To", "Cc", "Bcc"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(name, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_in_form(const char *name, const char *value)
{
    gsize line = strlen(name) + 1;
    for (const char *c = value; *c; c++) {
        if ((guchar)*c >= 0x80 || (g_ascii_iscntrl(*c) && *c != '\t' && *c != '\n'))
            return FALSE;
        line = *c == '\n' ? 0 : line + 1;
        if (line > LINE_MAX_LENGTH)
            return FALSE;
    }
    return TRUE;
}

/* UTF-8 on one line, control characters as blanks. */
static char *clean_line(const char *value)
{
    g_autofree char *line = dm_header_unfold(value);
    char *text =
        g_utf8_validate(line, -1, NULL) ? g_strdup(line) : g_convert(line, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
    if (!text)
        text = g_utf8_make_valid(line, -1);
    for (char *c = text; *c; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    return text;
}

static char *form_addresses(const char *name, const char *line)
{
    g_autoptr(InternetAddressList) list =
        dm_address_text_is_crowded(line) ? NULL : internet_address_list_parse(NULL, line);
    if (!list)
        return NULL;
    for (int i = 0; i < internet_address_list_length(list); i++)
        internet_address_set_charset(internet_address_list_get_address(list, i), "utf-8");
    GString *text = g_string_new(name);
    g_string_append(text, ": ");
    internet_address_list_encode(list, NULL, text);
    g_string_erase(text, 0, (gssize)strlen(name) + 2);
    return g_strchomp(g_string_free(text, FALSE));
}

/* The field's text in form; NULL if it can't be had. */
static char *form(const char *name, const char *value)
{
    g_autofree char *line = clean_line(value);
    if (is_address_field(name))
        return form_addresses(name, line);
    g_autofree char *text = dm_header_decode(line);
    return dm_header_encode(name, text);
}

static gboolean add_formed(DmHeaders *headers, const DmHeader *field, GError **error)
{
    g_autofree char *text = form(field->name, field->value);
    if (!text || !is_in_form(field->name, text)) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the field %s can't be folded or encoded", field->name);
        return FALSE;
    }
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, field->name, value, error);
}

DmHeaders *dm_field_form_all(const DmHeaders *headers, GError **error)
{
    g_autoptr(DmHeaders) formed = dm_headers_new();
    for (guint i = 0; i < dm_headers_length(headers); i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        if (is_in_form(field->name, field->value) ? !dm_headers_append(formed, field->name, field->value, error)
                                                  : !add_formed(formed, field, error))
            return NULL;
    }
    return g_steal_pointer(&formed);
}
