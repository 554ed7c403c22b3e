#include "sandbox/notification.h"

#include "common/demail.h"
#include "sandbox/system_letter.h"
#include "sandbox/xml_build.h"
#include "standard/demail_address.h"
#include "standard/xml.h"

const char *dm_notification_type(const char *text)
{
    static const char *const types[] = {"unknown-recipient", "closed-account", "invalid-format", "other"};
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_str_equal(text, types[i]))
            return types[i];
    }
    return NULL;
}

static char *field_text(const DmLetter *letter, const char *name)
{
    const char *value = dm_headers_get(letter->headers, name, 0);
    return dm_header_decode(value ? value : "");
}

static char *make_text(const DmNotification *n, const char *original_subject)
{
    g_autofree char *rfc_id = field_text(n->original, "Message-ID");
    g_autofree char *message_id = field_text(n->original, DM_FIELD_MESSAGE_ID);
    return g_strdup_printf("%s\r\nUrsprüngliche Nachricht: %s\r\nNachrichten-ID: %s\r\nAbsender: %s\r\nBetreff: %s\r\n",
                           n->sentence, rfc_id, message_id, n->original->sender, original_subject);
}

static char *make_xml(const char *subject, const char *text, const char *provider_name, GError **error)
{
    g_autoptr(xmlDoc) document = xmlNewDoc(BAD_CAST "1.0");
    xmlNodePtr root = xmlNewNode(NULL, BAD_CAST "Notification-Message");
    xmlDocSetRootElement(document, root);
    xmlSetNs(root, xmlNewNs(root, BAD_CAST "urn:de-mail", NULL));
    dm_xml_add(root, "Subject", subject);
    dm_xml_add(root, "Text", text);
    dm_xml_add_time(root, "Time", g_get_real_time() / G_USEC_PER_SEC);
    dm_xml_add(root, "Sender", provider_name);
    return dm_xml_write(document, error);
}

DmLetter *dm_notification_make(const DmNotification *n, DmPost *post, GError **error)
{
    g_autofree char *original_subject = field_text(n->original, "Subject");
    g_autofree char *subject = g_strdup_printf("%s: %s", n->subject, original_subject);
    g_autofree char *text = make_text(n, original_subject);
    g_autofree char *provider_name = g_strdup_printf("Test-Anbieter %s", n->provider);
    g_autofree char *pdf_text = g_strdup_printf("%s\r\n\r\n%s\r\n%s\r\n", subject, text, provider_name);
    g_autofree char *xml = make_xml(subject, text, provider_name, error);
    if (!xml)
        return NULL;
    const DmSystemLetter order = {
        .type = n->malware ? "malware-notification" : "notification",
        .from = n->malware ? DM_SYSTEM_MALWARE : DM_SYSTEM_NOTIFICATION,
        .provider = n->provider,
        .to = n->to,
        .cc = n->cc,
        .subject = subject,
        .text = text,
        .xml = xml,
        .pdf_text = pdf_text,
        .file_name = "meldung",
        .private_id = n->original->private_id,
        .notification_type = n->type,
    };
    return dm_system_letter_make(&order, post, error);
}
