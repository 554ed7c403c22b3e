#include "sandbox/message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

struct DmMessageReader {
    int header_fd;
    int body_fd;
    DmSlice header;
    DmSlice body;
};

void dm_slice_set(DmSlice *slice, const char *file, gint64 offset, gint64 length)
{
    g_free(slice->file);
    slice->file = g_strdup(file);
    slice->offset = offset;
    slice->length = length;
}

void dm_message_free(DmMessage *message)
{
    if (!message)
        return;
    g_free(message->id);
    g_free(message->account);
    g_free(message->type);
    g_free(message->private_id);
    g_strfreev(message->recipients);
    g_free(message->retrieve_for);
    g_free(message->header.file);
    g_free(message->body.file);
    g_free(message);
}

gint64 dm_message_size(const DmMessage *message)
{
    return message->header.length + message->body.length;
}

static const char *folder_word(DmFolder folder)
{
    return folder == DM_FOLDER_INBOX ? "inbox" : "sent";
}

gboolean dm_folder_parse(const char *text, DmFolder *folder)
{
    *folder = g_str_equal(text, "sent") ? DM_FOLDER_SENT : DM_FOLDER_INBOX;
    return g_str_equal(text, folder_word(*folder));
}

static json_t *slice_to_json(const DmSlice *slice)
{
    return json_pack("{s:s, s:I, s:I}", "file", slice->file, "offset", (json_int_t)slice->offset, "length",
                     (json_int_t)slice->length);
}

static gboolean slice_from_json(const json_t *json, DmSlice *slice)
{
    const char *file = dm_json_text(json, "file", "");
    gint64 offset = json_integer_value(json_object_get(json, "offset"));
    gint64 length = json_integer_value(json_object_get(json, "length"));
    if (!*file || strchr(file, '/') || offset < 0 || length < 0)
        return FALSE;
    dm_slice_set(slice, file, offset, length);
    return TRUE;
}

json_t *dm_message_to_json(const DmMessage *message)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:s*}", "seq", (json_int_t)message->seq, "id",
                     message->id, "account", message->account, "folder", folder_word(message->folder), "received",
                     (json_int_t)message->received, "type", message->type, "private_id", message->private_id,
                     "recipients", dm_json_from_list(message->recipients), "header", slice_to_json(&message->header),
                     "body", slice_to_json(&message->body), "retrieve_for", message->retrieve_for);
}

DmMessage *dm_message_from_json(const json_t *json)
{
    g_autoptr(DmMessage) message = g_new0(DmMessage, 1);
    message->seq = json_integer_value(json_object_get(json, "seq"));
    message->received = json_integer_value(json_object_get(json, "received"));
    message->id = g_strdup(dm_json_text(json, "id", ""));
    message->account = g_strdup(dm_json_text(json, "account", ""));
    message->type = g_strdup(dm_json_text(json, "type", ""));
    message->private_id = g_strdup(dm_json_text(json, "private_id", ""));
    message->recipients = dm_json_to_list(json_object_get(json, "recipients"), G_MAXINT);
    message->retrieve_for = g_strdup(dm_json_text(json, "retrieve_for", NULL));
    if (message->seq <= 0 || !*message->id || !message->recipients ||
        !dm_folder_parse(dm_json_text(json, "folder", ""), &message->folder) ||
        !slice_from_json(json_object_get(json, "header"), &message->header) ||
        !slice_from_json(json_object_get(json, "body"), &message->body))
        return NULL;
    return g_steal_pointer(&message);
}

json_t *dm_message_entry(const DmMessage *message)
{
    g_autoptr(GDateTime) received = g_date_time_new_from_unix_utc(message->received);
    g_autofree char *time = g_date_time_format_iso8601(received);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:o}", "id", message->id, "size",
                     (json_int_t)dm_message_size(message), "received", time, "state",
                     message->retrieved ? "retrieved" : "new", "type", message->type, "private_id", message->private_id,
                     "recipients", dm_json_from_list(message->recipients));
}

static int slice_open(const char *data_dir, const DmSlice *slice, GError **error)
{
    g_autofree char *path = g_build_filename(data_dir, slice->file, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; the state directory is not complete", path,
                    g_strerror(errno));
    return fd;
}

DmMessageReader *dm_message_reader_open(const DmMessage *message, const char *data_dir, GError **error)
{
    g_autoptr(DmMessageReader) reader = g_new0(DmMessageReader, 1);
    reader->body_fd = -1;
    dm_slice_set(&reader->header, message->header.file, message->header.offset, message->header.length);
    dm_slice_set(&reader->body, message->body.file, message->body.offset, message->body.length);
    reader->header_fd = slice_open(data_dir, &message->header, error);
    if (reader->header_fd < 0)
        return NULL;
    reader->body_fd = slice_open(data_dir, &message->body, error);
    if (reader->body_fd < 0)
        return NULL;
    return g_steal_pointer(&reader);
}

void dm_message_reader_close(DmMessageReader *reader)
{
    if (!reader)
        return;
    if (reader->header_fd >= 0)
        close(reader->header_fd);
    if (reader->body_fd >= 0)
        close(reader->body_fd);
    g_free(reader->header.file);
    g_free(reader->body.file);
    g_free(reader);
}

gssize dm_message_reader_read(DmMessageReader *reader, gint64 position, void *buffer, gsize size)
{
    gboolean in_header = position < reader->header.length;
    const DmSlice *slice = in_header ? &reader->header : &reader->body;
    gint64 at = in_header ? position : position - reader->header.length;
    gint64 left = slice->length - at;
    if (left <= 0 || size == 0)
        return 0;
    gsize wanted = MIN(size, (gsize)left);
    ssize_t got;
    do
        got = pread(in_header ? reader->header_fd : reader->body_fd, buffer, wanted, slice->offset + at);
    while (got < 0 && errno == EINTR);
    return got > 0 ? got : -1;
}

char *dm_message_digest(DmMessageReader *reader, GError **error)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guchar *block = g_malloc(BLOCK);
    gint64 position = 0;
    gssize got;
    while ((got = dm_message_reader_read(reader, position, block, BLOCK)) > 0) {
        g_checksum_update(checksum, block, got);
        position += got;
    }
    if (got < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: can't be read; the state directory is not complete",
                    reader->body.file);
        return NULL;
    }
    guint8 digest[32];
    gsize length = sizeof(digest);
    g_checksum_get_digest(checksum, digest, &length);
    return g_base64_encode(digest, length);
}
