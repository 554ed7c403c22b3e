#include "sandbox/confirmation.h"

#include "standard/integrity.h"
#include "sandbox/confirmation_xml.h"
#include "sandbox/metadata.h"

#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeDataWrapper, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMultipart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeObject, g_object_unref)

typedef struct {
    const char *type;
    const char *word;
    const char *system_address; /* local part, PVD FU 4.3 */
    const char *what_happened;
} Kind;

static const Kind kinds[] = {
    [DM_CONFIRM_DISPATCH] = {"confirmation of dispatch", "Versandbestätigung", "Versandbestaetigung",
                             "an den Empfänger versandt"},
    [DM_CONFIRM_RECEIPT] = {"confirmation of receipt", "Eingangsbestätigung", "Eingangsbestaetigung",
                            "im Postfach des Empfängers abgelegt"},
};

const char *dm_confirmation_type(DmConfirmationKind kind)
{
    return kinds[kind].type;
}

static char *decoded(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);
    return dm_header_decode(value ? value : "");
}

static char *without_blanks(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);
    GString *text = g_string_new(NULL);
    for (const char *c = value ? value : ""; *c; c++) {
        if (!g_ascii_isspace(*c))
            g_string_append_c(text, *c);
    }
    return g_string_free(text, FALSE);
}

static char *make_text(const DmConfirmation *c, const char *subject)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_date_time_format(now, "%d.%m.%Y %H:%M Uhr");
    g_autofree char *message_id = decoded(c->original, DM_FIELD_MESSAGE_ID);
    g_autofree char *checksum = without_blanks(c->original, DM_FIELD_INTEGRITY);
    return g_strdup_printf("Hiermit wird bestätigt, dass die Nachricht mit den folgenden Angaben %s wurde.\r\n"
                           "\r\n"
                           "Absender: %s\r\n"
                           "Empfänger: %s\r\n"
                           "Datum: %s\r\n"
                           "Betreff: %s\r\n"
                           "Nachrichten-ID: %s\r\n"
                           "Prüfsumme: %s\r\n"
                           "\r\n"
                           "Die Bestätigung erfolgte durch den Test-Anbieter %s https://%s/\r\n",
                           kinds[c->kind].what_happened, c->intent->sender, c->about, date, subject, message_id,
                           checksum, c->provider_domain, c->provider_domain);
}

/* UTF-8 text as a part in base64. */
static GMimePart *text_part(const char *type, const char *subtype, const char *text)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
    g_autoptr(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    return part;
}

static GMimeObject *plain_part(const char *text)
{
    GMimePart *part = text_part("text", "plain", text);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    return GMIME_OBJECT(part);
}

static GMimeObject *xml_part(const char *xml)
{
    GMimePart *part = text_part("application", "xml", xml);
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_ATTACHMENT);
    g_mime_part_set_filename(part, "bestaetigung.xml");
    return GMIME_OBJECT(part);
}

/* The body as bytes; *content_type is the value of its field. */
static GByteArray *make_body(const char *text, const char *xml, char **content_type)
{
    g_autoptr(GMimeMultipart) mixed = g_mime_multipart_new_with_subtype("mixed");
    g_autoptr(GMimeObject) first = plain_part(text);
    g_autoptr(GMimeObject) second = xml_part(xml);
    g_mime_multipart_set_boundary(mixed, NULL);
    g_mime_multipart_add(mixed, first);
    g_mime_multipart_add(mixed, second);

    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    GByteArray *body = g_byte_array_new();
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_byte_array(body);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_object_write_content_to_stream(GMIME_OBJECT(mixed), options, stream);
    g_mime_format_options_free(options);
    *content_type = g_strdup_printf("multipart/mixed;\n boundary=\"%s\"", g_mime_multipart_get_boundary(mixed));
    return body;
}

static gboolean add(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, name, value, error);
}

static DmHeaders *make_fields(const DmConfirmation *c, const char *from, const char *subject, const char *content_type,
                              GError **error)
{
    g_autoptr(DmHeaders) fields = dm_headers_new();
    g_autofree char *encoded = dm_header_encode("Subject", subject);
    if (!add(fields, "From", from, error) || !add(fields, "To", c->to, error) ||
        (c->cc && !add(fields, "Cc", c->cc, error)) || !add(fields, "Subject", encoded, error) ||
        !add(fields, "MIME-Version", "1.0", error) || !add(fields, "Content-Type", content_type, error))
        return NULL;
    return g_steal_pointer(&fields);
}

static char *hash_body(const GByteArray *body)
{
    DmBodyHash *hash = dm_body_hash_new();
    dm_body_hash_update(hash, body->data, body->len);
    return dm_body_hash_finish(hash);
}

static DmHeaders *complete(const DmConfirmation *c, const DmHeaders *fields, const char *from, const GByteArray *body,
                           GError **error)
{
    DmChosen chosen;
    dm_chosen_init(&chosen);
    g_ptr_array_add(chosen.to, g_strdup(c->to));
    if (c->cc)
        g_ptr_array_add(chosen.cc, g_strdup(c->cc));
    g_autofree char *body_hash = hash_body(body);
    const DmMetadata metadata = {
        .provider_domain = c->provider_domain,
        .type = dm_confirmation_type(c->kind),
        .sender = from,
        .chosen = &chosen,
        .message_id = c->message_id,
        .private_id = c->intent->private_id,
        .private_mark = (c->intent->options & DM_OPTION_PRIVATE) != 0,
    };
    DmHeaders *headers = dm_metadata_complete(fields, &metadata, body_hash, error);
    dm_chosen_clear(&chosen);
    return headers;
}

DmHeaders *dm_confirmation_make(const DmConfirmation *c, GByteArray **body, GError **error)
{
    const Kind *kind = &kinds[c->kind];
    g_autofree char *original_subject = decoded(c->original, "Subject");
    g_autofree char *subject = g_strdup_printf("*%s* %s", kind->word, original_subject);
    g_autofree char *from = g_strdup_printf("%s@%s", kind->system_address, c->provider_domain);
    g_autofree char *text = make_text(c, original_subject);
    g_autofree char *xml = dm_confirmation_xml(c->original, from, subject, text);
    g_autofree char *content_type = NULL;
    g_autoptr(GByteArray) bytes = make_body(text, xml, &content_type);
    g_autoptr(DmHeaders) fields = make_fields(c, from, subject, content_type, error);
    DmHeaders *headers = fields ? complete(c, fields, from, bytes, error) : NULL;
    if (headers)
        *body = g_steal_pointer(&bytes);
    return headers;
}
