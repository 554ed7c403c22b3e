#include "sandbox/confirmation_xml.h"

#include "common/demail.h"
#include "sandbox/xml_build.h"
#include "standard/xml.h"

/* The metadata of table 1 in its order, but what says how a copy was delivered. */
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
    DM_FIELD_CERTIFICATE,
    DM_FIELD_ACTUAL_RECIPIENT,
    DM_FIELD_VERSION,
    DM_FIELD_ACCOUNT_HOLDER,
    "From",
    "Message-ID",
};

/* Folds as they were hashed: CRLF. */
static char *with_crlf(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    return g_strjoinv("\r\n", lines);
}

static const DmHeader *find(const DmHeaders *headers, const char *name)
{
    for (guint i = 0; i < dm_headers_length(headers); i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        if (g_ascii_strcasecmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static void add_metadate(xmlNodePtr parent, const DmHeaders *original, const char *name)
{
    const DmHeader *field = find(original, name);
    if (!field)
        return;
    g_autofree char *plain = dm_header_unfold(field->value);
    g_autofree char *folded = with_crlf(field->value);
    g_autofree char *line = g_strdup_printf("%s:%s", field->name, folded);
    xmlNodePtr metadate = xmlNewChild(parent, NULL, BAD_CAST "Metadate", NULL);
    dm_xml_add(metadate, "Name", field->name);
    dm_xml_add(metadate, "Value", plain);
    dm_xml_add(metadate, "OriginalHeader", line);
}

static void add_content(xmlNodePtr root, const DmConfirmationXml *content)
{
    dm_xml_add(root, "Sender", content->sender);
    xmlNodePtr list = xmlNewChild(root, NULL, BAD_CAST "Metadata", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++)
        add_metadate(list, content->original, metadata[i]);
    dm_xml_add(root, "Subject", content->subject);
    dm_xml_add(root, "Text", content->text);
    const char *integrity = dm_headers_get(content->original, DM_FIELD_INTEGRITY, 0);
    g_autofree char *folded = with_crlf(integrity ? integrity : "");
    dm_xml_add(root, "Hash", g_strchug(folded));
    dm_xml_add_time(root, "Time", g_get_real_time() / G_USEC_PER_SEC);
    if (content->delivered > 0)
        dm_xml_add_time(root, "DeliveryTime", content->delivered);
}

char *dm_confirmation_xml(const DmConfirmationXml *content, const DmXmlSigner *signer, GError **error)
{
    g_autoptr(xmlDoc) document = xmlNewDoc(BAD_CAST "1.0");
    xmlNodePtr root = xmlNewNode(NULL, BAD_CAST "Acknowledge-Message");
    xmlDocSetRootElement(document, root);
    xmlSetNs(root, xmlNewNs(root, BAD_CAST "urn:de-mail", NULL));
    add_content(root, content);
    return dm_xml_sign(document, NULL, signer, error) ? dm_xml_write(document, error) : NULL;
}

char *dm_confirmation_metadata_text(const DmHeaders *original)
{
    GString *text = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++) {
        const DmHeader *field = find(original, metadata[i]);
        if (!field)
            continue;
        g_autofree char *plain = dm_header_unfold(field->value);
        g_string_append_printf(text, "%s: %s\r\n", field->name, plain);
    }
    return g_string_free(text, FALSE);
}
