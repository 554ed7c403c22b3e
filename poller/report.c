#include "poller/report.h"

#include "common/address.h"
#include "common/demail.h"
#include "poller/fields.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeDataWrapper, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMultipart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimePart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeFormatOptions, g_mime_format_options_free)

#define WORDS_MAX   4000 /* bytes of the provider's text that are repeated */
#define SUBJECT_MAX 500  /* characters of the notification's subject */

typedef struct {
    const char *type; /* X-de-mail-notification-type */
    const char *status;
    const char *reason[2]; /* by language */
} Kind;

static const Kind kinds[] = {
    {"unknown-recipient", "5.1.1", {"the recipient is unknown", "der Empfänger ist unbekannt"}},
    {"closed-account", "5.2.1", {"the account is closed", "das Konto ist geschlossen"}},
    {"invalid-format", "5.6.0", {"the De-Mail has an invalid format", "die De-Mail hat ein ungültiges Format"}},
};

static const char *const introduction[] = {
    "Your De-Mail could not be delivered to:\n\n",
    "Ihre De-Mail konnte nicht zugestellt werden an:\n\n",
};

/* As g_date_time_format() takes it. */
static const char *const sent_on[] = {
    "\nIt was sent on %Y-%m-%d at %H:%M.\n",
    "\nSie wurde am %d.%m.%Y um %H:%M Uhr versandt.\n",
};

/* No word of proof: a notification need not be signed (PVD IO 3.4.1). */
static const char *const explanation[] = {
    "The attached notification is what the De-Mail provider said, unchanged. Please keep it, in case you have to show "
    "that the De-Mail was not delivered.\n",
    "Die angehängte Meldungsnachricht des De-Mail-Anbieters ist unverändert. Bitte bewahren Sie sie auf, falls Sie "
    "belegen müssen, dass die De-Mail nicht zugestellt wurde.\n",
};

static const char *const words[] = {"\nThe provider's words:\n\n", "\nDer Anbieter schreibt:\n\n"};

static const Kind *kind_of(const DmStatement *statement)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(kinds[i].type, statement->notification_type))
            return &kinds[i];
    }
    return NULL;
}

static char *format_date(gint64 time)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(time);

    return g_mime_utils_header_format_date(date);
}

static char *make_text(const DmReport *report)
{
    const Kind *kind = kind_of(report->statement);
    g_autoptr(GDateTime) sent = g_date_time_new_from_unix_local(report->message->time);
    g_autofree char *date = g_date_time_format(sent, sent_on[report->language]);
    g_autofree char *said =
        g_utf8_make_valid(report->statement->text, (gssize)strnlen(report->statement->text, WORDS_MAX));
    GString *text = g_string_new(introduction[report->language]);

    for (guint i = 0; i < report->recipients->len; i++)
        g_string_append_printf(text, "    <%s>%s%s\n", (const char *)g_ptr_array_index(report->recipients, i),
                               kind ? ": " : "", kind ? kind->reason[report->language] : "");
    g_string_append_printf(text, "%s%s", date, explanation[report->language]);
    if (said[0] != '\0')
        g_string_append_printf(text, "%s%s\n", words[report->language], said);
    return g_string_free(text, FALSE);
}

/* RFC 3464 2.2 and 2.3. Addresses in the journal are plain ASCII. */
static char *make_status(const DmReport *report)
{
    const Kind *kind = kind_of(report->statement);
    g_autofree char *arrival = format_date(report->message->time);
    g_autofree char *attempt = format_date(report->statement->time);
    g_autofree char *provider = dm_fields_text(report->headers, DM_FIELD_PROVIDER);
    g_autofree char *at_provider = g_strconcat("x@", provider, NULL);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "Reporting-MTA: dns; %s\nArrival-Date: %s\n", g_get_host_name(), arrival);
    for (guint i = 0; i < report->recipients->len; i++) {
        const char *recipient = g_ptr_array_index(report->recipients, i);

        g_string_append_printf(text, "\nOriginal-Recipient: rfc822; %s\nFinal-Recipient: rfc822; %s\n", recipient,
                               recipient);
        g_string_append_printf(text, "Action: failed\nStatus: %s\n", kind ? kind->status : "5.0.0");
        if (dm_address_is_plain(at_provider))
            g_string_append_printf(text, "Remote-MTA: dns; %s\n", provider);
        g_string_append_printf(text, "Diagnostic-Code: x-demail; %s\n", kind ? kind->type : "other");
        if (report->statement->time > 0)
            g_string_append_printf(text, "Last-Attempt-Date: %s\n", attempt);
    }
    return g_string_free(text, FALSE);
}

static void add_stream(GMimeMultipart *report, GMimePart *part, GMimeStream *stream, GMimeContentEncoding encoding)
{
    g_autoptr(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_mime_multipart_add(report, GMIME_OBJECT(part));
}

static void add_text(GMimeMultipart *report, const char *text)
{
    g_autoptr(GMimePart) part = g_mime_part_new_with_type("text", "plain");
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    add_stream(report, part, stream, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
}

static void add_status(GMimeMultipart *report, const char *text)
{
    g_autoptr(GMimePart) part = g_mime_part_new_with_type("message", "delivery-status");
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));

    add_stream(report, part, stream, GMIME_CONTENT_ENCODING_7BIT);
}

/* A part, and no message that GMime would read and write anew. */
static void add_notification(GMimeMultipart *report, int fd, gint64 size)
{
    g_autoptr(GMimePart) part = g_mime_part_new_with_type("message", "rfc822");
    g_autoptr(GMimeStream) stream = g_mime_stream_fs_new_with_bounds(fd, 0, size);

    g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_ATTACHMENT);
    add_stream(report, part, stream, GMIME_CONTENT_ENCODING_8BIT);
}

static gboolean write_body(GMimeMultipart *multipart, int out, GError **error)
{
    g_autoptr(GMimeFormatOptions) options = g_mime_format_options_new();
    g_autoptr(GMimeStream) stream = g_mime_stream_fs_new(out);
    gssize written;

    g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    written = g_mime_object_write_content_to_stream(GMIME_OBJECT(multipart), options, stream);
    if (written >= 0 && g_mime_stream_flush(stream) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "the report: %s; check state_dir and the space on its disk",
                g_strerror(errno));
    return FALSE;
}

static gboolean add_field(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);

    return dm_headers_append(headers, name, value, error);
}

static DmHeaders *make_header(const DmReport *report, const char *boundary, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_mime_utils_header_format_date(now);
    g_autofree char *decoded = dm_fields_decoded(report->headers, "Subject");
    g_autofree char *valid = g_utf8_make_valid(decoded, -1);
    g_autofree char *cut = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), SUBJECT_MAX));
    g_autofree char *subject = dm_header_encode("Subject", cut);
    g_autofree char *type =
        g_strdup_printf("multipart/report; report-type=delivery-status;\n boundary=\"%s\"", boundary);
    g_autofree char *named = g_strconcat(report->tenant->name, " ", report->id, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, named, -1);
    g_autofree char *message_id = g_strdup_printf("<%.32s.report@%s>", hash, report->tenant->email_domains[0]);

    if (!add_field(headers, "From", report->tenant->bounce_address, error) ||
        !add_field(headers, "To", report->message->email, error) || !add_field(headers, "Subject", subject, error) ||
        !add_field(headers, "Date", date, error) || !add_field(headers, "Message-ID", message_id, error) ||
        !add_field(headers, "Auto-Submitted", "auto-replied", error) ||
        !add_field(headers, "MIME-Version", "1.0", error) || !add_field(headers, "Content-Type", type, error))
        return NULL;
    return g_steal_pointer(&headers);
}

DmHeaders *dm_report_make(const DmReport *report, int out, GError **error)
{
    g_autoptr(GMimeMultipart) multipart = g_mime_multipart_new_with_subtype("report");
    g_autofree char *text = make_text(report);
    g_autofree char *status = make_status(report);
    struct stat info;

    if (fstat(report->fd, &info) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the fetched message: %s", g_strerror(errno));
        return NULL;
    }
    g_mime_multipart_set_boundary(multipart, NULL);
    add_text(multipart, text);
    add_status(multipart, status);
    add_notification(multipart, report->fd, info.st_size);
    return write_body(multipart, out, error) ? make_header(report, g_mime_multipart_get_boundary(multipart), error)
                                             : NULL;
}
