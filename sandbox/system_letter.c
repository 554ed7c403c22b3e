#include "sandbox/system_letter.h"

#include "common/stamp.h"
#include "sandbox/metadata.h"
#include "sandbox/pdf.h"
#include "standard/body_hash.h"

#include <gmime/gmime.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeDataWrapper, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMultipart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimePart, g_object_unref)

static GMimePart *new_part(const char *type, const char *subtype, const void *data, gsize length)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(data, length);
    g_autoptr(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    return part;
}

static void add_text(GMimeMultipart *mixed, const char *text)
{
    g_autoptr(GMimePart) part = new_part("text", "plain", text, strlen(text));
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    g_mime_multipart_add(mixed, GMIME_OBJECT(part));
}

static void add_attachment(GMimeMultipart *mixed, const char *subtype, const char *name, const void *data, gsize length)
{
    g_autoptr(GMimePart) part = new_part("application", subtype, data, length);
    g_autofree char *file_name = g_strdup_printf("%s.%s", name, subtype);
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_ATTACHMENT);
    g_mime_part_set_filename(part, file_name);
    g_mime_multipart_add(mixed, GMIME_OBJECT(part));
}

static GByteArray *write_content(GMimeMultipart *mixed)
{
    GMimeFormatOptions *options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    GByteArray *body = g_byte_array_new();
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_byte_array(body);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_object_write_content_to_stream(GMIME_OBJECT(mixed), options, stream);
    g_mime_format_options_free(options);
    return body;
}

/* The body as bytes; *content_type is the value of its field. */
static GByteArray *make_body(const DmSystemLetter *order, char **content_type, GError **error)
{
    g_autoptr(GByteArray) pdf = dm_pdf_from_text(order->subject, order->pdf_text, error);
    if (!pdf)
        return NULL;
    g_autoptr(GMimeMultipart) mixed = g_mime_multipart_new_with_subtype("mixed");
    g_mime_multipart_set_boundary(mixed, NULL);
    add_text(mixed, order->text);
    add_attachment(mixed, "xml", order->file_name, order->xml, strlen(order->xml));
    add_attachment(mixed, "pdf", order->file_name, pdf->data, pdf->len);
    *content_type = g_strdup_printf("multipart/mixed;\n boundary=\"%s\"", g_mime_multipart_get_boundary(mixed));
    return write_content(mixed);
}

static gboolean add(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, name, value, error);
}

static DmHeaders *make_fields(const DmSystemLetter *order, const char *from, const char *content_type, GError **error)
{
    g_autoptr(DmHeaders) fields = dm_headers_new();
    g_autofree char *subject = dm_header_encode("Subject", order->subject);
    if (!add(fields, "From", from, error) || !add(fields, "To", order->to, error) ||
        (order->cc && !add(fields, "Cc", order->cc, error)) || !add(fields, "Subject", subject, error) ||
        !add(fields, "MIME-Version", "1.0", error) || !add(fields, "Content-Type", content_type, error))
        return NULL;
    return g_steal_pointer(&fields);
}

static DmHeaders *complete(const DmSystemLetter *order, const char *from, const DmHeaders *fields, GError **error)
{
    g_autofree char *id = dm_stamp_new_id(error);
    if (!id)
        return NULL;
    g_autofree char *message_id = g_strdup_printf("%s@%s", id, order->provider);
    DmChosen chosen;
    dm_chosen_init(&chosen);
    g_ptr_array_add(chosen.to, g_strdup(order->to));
    if (order->cc)
        g_ptr_array_add(chosen.cc, g_strdup(order->cc));
    const DmMetadata metadata = {
        .provider = order->provider,
        .type = order->type,
        .sender = from,
        .chosen = &chosen,
        .message_id = message_id,
        .private_id = order->private_id,
        .private_mark = order->private_mark,
        .notification_type = order->notification_type,
    };
    DmHeaders *headers = dm_metadata_complete(fields, &metadata, error);
    dm_chosen_clear(&chosen);
    return headers;
}

static gboolean seal(const DmSeal *with, const char *provider, DmHeaders *headers, const GByteArray *body,
                     GError **error)
{
    DmSealing sealing = {.algorithm = dm_seal_chosen(with), .sign = TRUE, .domain = provider};
    DmBodyHash *hash = dm_body_hash_new(sealing.algorithm.digest);
    dm_body_hash_update(hash, body->data, body->len);
    g_autofree char *body_hash = dm_body_hash_finish(hash);
    sealing.body_hash = body_hash;
    return dm_seal_put(with, &sealing, headers, error);
}

DmLetter *dm_system_letter_make(const DmSystemLetter *order, DmPost *post, GError **error)
{
    g_autofree char *from = g_strdup_printf("%s@%s", order->from, order->provider);
    g_autofree char *content_type = NULL;
    g_autoptr(GByteArray) body = make_body(order, &content_type, error);
    g_autoptr(DmHeaders) fields = body ? make_fields(order, from, content_type, error) : NULL;
    g_autoptr(DmHeaders) headers = fields ? complete(order, from, fields, error) : NULL;
    DmSlice slice = {0};
    DmLetter *letter = NULL;
    if (headers && seal(dm_post_sandbox(post)->seal, order->provider, headers, body, error) &&
        dm_post_keep(post, body, &slice, error))
        letter = dm_letter_new(g_steal_pointer(&headers), &slice);
    g_free(slice.file);
    return letter;
}
