#include "standard/statement_case.h"

#include "common/address.h"
#include "standard/mailbox.h"
#include "standard/recipients.h"
#include "standard/xml.h"

#include <stdarg.h>
#include <string.h>

char *dm_case_field(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);

    if (value == NULL)
        return NULL;
    char *line = dm_header_unfold(value);
    if (g_utf8_validate(line, -1, NULL))
        return line;
    char *converted = g_convert(line, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
    if (converted == NULL)
        converted = g_utf8_make_valid(line, -1);
    g_free(line);
    return converted;
}

char *dm_case_sender(const DmStatementCase *statement)
{
    const char *value = dm_headers_get(statement->headers, DM_FIELD_SENDER, 0);
    g_autofree char *line = value ? dm_header_unfold(value) : NULL;

    return line ? dm_mailbox_read_address(line) : NULL;
}

gboolean dm_case_chosen(const DmStatementCase *statement, DmChosen *chosen)
{
    const char *value = dm_headers_get(statement->headers, DM_FIELD_CHOSEN_RECIPIENT, 0);
    g_autofree char *line = dm_header_unfold(value ? value : "");
    g_autoptr(DmFindings) judged = dm_findings_new();

    return dm_recipients_read(line, chosen, judged) && dm_findings_valid(judged);
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

gboolean dm_case_same(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    for (a = skip_blanks(a), b = skip_blanks(b); *a != '\0' && *a == *b;) {
        a = skip_blanks(a + 1);
        b = skip_blanks(b + 1);
    }
    return *a == *b;
}

gint64 dm_case_time(const char *text)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text ? text : ""));
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(trimmed, utc);

    return time ? g_date_time_to_unix(time) : 0;
}

GHashTable *dm_case_address_set(const GPtrArray *list, ...)
{
    GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    va_list more;

    va_start(more, list);
    for (; list != NULL; list = va_arg(more, const GPtrArray *))
        for (guint i = 0; i < list->len; i++)
            g_hash_table_add(set, dm_address_key(g_ptr_array_index(list, i)));
    va_end(more);
    return set;
}

gboolean dm_case_has_address(GHashTable *set, const char *address)
{
    g_autofree char *key = dm_address_key(address);

    return g_hash_table_contains(set, key);
}

gboolean dm_case_has_any(GHashTable *set, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++)
        if (dm_case_has_address(set, g_ptr_array_index(addresses, i)))
            return TRUE;
    return FALSE;
}

void dm_case_take(char **field, char *text)
{
    if (text == NULL)
        return;
    g_free(*field);
    *field = text;
}

static const char *signature_reason(const DmStatementReasons *reasons, DmXmlSignature judged)
{
    switch (judged) {
    case DM_XML_SIGNATURE_GOOD:
        return NULL;
    case DM_XML_SIGNATURE_MISSING:
        return reasons->signature_missing;
    case DM_XML_SIGNATURE_SCOPE:
        return reasons->signature_scope;
    case DM_XML_SIGNATURE_ALGORITHM:
        return reasons->signature_algorithm;
    case DM_XML_SIGNATURE_CERTIFICATE:
        return reasons->signature_certificate;
    case DM_XML_SIGNATURE_BAD:
        return reasons->signature_invalid;
    }
    return reasons->signature_invalid;
}

void dm_case_judge_signature(const DmStatementCase *statement)
{
    X509 *certificate = NULL;
    const char *reason = signature_reason(
        statement->reasons, dm_xml_signature_judge(statement->document, DM_XML_FORM_PLAIN, NULL, &certificate));

    if (reason != NULL)
        dm_findings_fail(statement->findings, reason);
    else
        dm_trust_judge(statement->trust, certificate, statement->at, statement->findings);
    X509_free(certificate);
}
