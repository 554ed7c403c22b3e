#include "sandbox/confirmation_xml.h"

#include "common/demail.h"

#include <string.h>

/* The metadata of table 1 that a normal message has, in its order. */
static const char *const metadata[] = {
    DM_FIELD_DISPATCH,
    DM_FIELD_RECEIPT,
    DM_FIELD_RETRIEVE,
    DM_FIELD_AUTHORITATIVE,
    DM_FIELD_PRIVATE,
    DM_FIELD_SENDER,
    DM_FIELD_CHOSEN_RECIPIENT,
    "Subject",
    DM_FIELD_PRIVATE_ID,
    "Reply-To",
    DM_FIELD_AUTH_LEVEL,
    DM_FIELD_AUTH_MECHANISM,
    "Date",
    DM_FIELD_MESSAGE_ID,
    DM_FIELD_PROVIDER,
    DM_FIELD_MESSAGE_TYPE,
    DM_FIELD_INTEGRITY,
    DM_FIELD_ACTUAL_RECIPIENT,
    DM_FIELD_VERSION,
    DM_FIELD_ACCOUNT_HOLDER,
    "From",
    "Message-ID",
};

/* XML 1.0 has no way to write most control characters. */
static char *printable(const char *text)
{
    char *copy = g_utf8_make_valid(text, -1);
    for (char *c = copy; *c; c++) {
        if (g_ascii_iscntrl(*c) && *c != '\t' && *c != '\n' && *c != '\r')
            *c = '?';
    }
    return copy;
}

/* Line ends, LF or CRLF, become "&#13;" LF: a parser would make LF of a bare CRLF. */
static void append_escaped(GString *xml, const char *text)
{
    g_autofree char *clean = printable(text);
    g_auto(GStrv) lines = g_strsplit(clean, "\n", -1);
    for (gsize i = 0; lines[i]; i++) {
        gsize length = strlen(lines[i]);
        if (lines[i + 1] && length > 0 && lines[i][length - 1] == '\r')
            length--;
        g_autofree char *escaped = g_markup_escape_text(lines[i], (gssize)length);
        g_string_append(xml, escaped);
        if (lines[i + 1])
            g_string_append(xml, "&#13;\n");
    }
}

static void append_element(GString *xml, const char *name, const char *text)
{
    g_string_append_printf(xml, "<%s>", name);
    append_escaped(xml, text);
    g_string_append_printf(xml, "</%s>", name);
}

static void append_metadate(GString *xml, const DmHeaders *original, const char *name)
{
    const char *value = dm_headers_get(original, name, 0);
    if (!value)
        return;
    g_autofree char *plain = dm_header_unfold(value);
    g_autofree char *line = g_strdup_printf("%s:%s", name, value);
    g_string_append(xml, "<Metadate>");
    append_element(xml, "Name", name);
    append_element(xml, "Value", plain);
    append_element(xml, "OriginalHeader", line);
    g_string_append(xml, "</Metadate>");
}

char *dm_confirmation_xml(const DmHeaders *original, const char *sender, const char *subject, const char *text)
{
    GString *xml = g_string_new("<?xml version='1.0' encoding='UTF-8'?>\n<Acknowledge-Message xmlns=\"urn:de-mail\">");
    append_element(xml, "Sender", sender);
    g_string_append(xml, "<Metadata>");
    for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++)
        append_metadate(xml, original, metadata[i]);
    g_string_append(xml, "</Metadata>");
    append_element(xml, "Subject", subject);
    append_element(xml, "Text", text);

    const char *integrity = dm_headers_get(original, DM_FIELD_INTEGRITY, 0);
    g_autofree char *hash = dm_header_unfold(integrity ? integrity : "");
    append_element(xml, "Hash", hash);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%:z");
    append_element(xml, "Time", time);
    g_string_append(xml, "</Acknowledge-Message>\n");
    return g_string_free(xml, FALSE);
}
