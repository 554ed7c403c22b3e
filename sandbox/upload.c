#include "sandbox/upload.h"

#include <errno.h>
#include <unistd.h>

struct DmUpload {
    DmStore *store;
    gint64 message_max;
    const char *account;
    const char *key;
    GString *json;
    DmEnvelope *envelope; /* once the part is complete */
    char *file;           /* NULL before the first byte of the message */
    int fd;
    gint64 size;
    gboolean too_large;
    GError *problem; /* the first; nothing is taken after it */
};

DmUpload *dm_upload_new(DmStore *store, gint64 message_max, const char *account, const char *key)
{
    DmUpload *upload = g_new0(DmUpload, 1);
    upload->store = store;
    upload->message_max = message_max;
    upload->account = account;
    upload->key = key;
    upload->json = g_string_new(NULL);
    upload->fd = -1;
    return upload;
}

void dm_upload_free(DmUpload *upload)
{
    if (!upload)
        return;
    if (upload->fd >= 0)
        close(upload->fd);
    if (upload->file)
        dm_store_discard_file(upload->store, upload->file);
    g_free(upload->file);
    g_string_free(upload->json, TRUE);
    dm_envelope_free(upload->envelope);
    g_clear_error(&upload->problem);
    g_free(upload);
}

static gboolean add_envelope(DmUpload *upload, const char *data, gsize length)
{
    if (upload->file || upload->json->len + length > DM_ENVELOPE_MAX) {
        upload->too_large = !upload->file;
        g_set_error(&upload->problem, DM_ERROR, DM_ERROR_PERMANENT, "%s",
                    upload->file ? "the part envelope must come before the part message"
                                 : "the part envelope is too large");
        return FALSE;
    }
    g_string_append_len(upload->json, data, (gssize)length);
    return TRUE;
}

static gboolean write_all(DmUpload *upload, const char *data, gsize length)
{
    while (length > 0) {
        ssize_t written = write(upload->fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            g_set_error(&upload->problem, DM_ERROR, DM_ERROR_OS, "%s/%s: %s; check the state directory",
                        dm_store_data_dir(upload->store), upload->file, g_strerror(errno));
            return FALSE;
        }
        data += written;
        length -= (gsize)written;
    }
    return TRUE;
}

/* The part `envelope` has ended: reads it. */
static gboolean end_envelope(DmUpload *upload)
{
    upload->envelope = dm_envelope_parse(upload->json->str, upload->json->len, &upload->problem);
    if (upload->envelope && upload->key)
        dm_store_set_running(upload->store, upload->account, upload->key, upload->envelope->recipients);
    return upload->envelope != NULL;
}

static gboolean add_message(DmUpload *upload, const char *data, gsize length)
{
    if (!upload->file)
        upload->fd = dm_store_create_file(upload->store, &upload->file, &upload->problem);
    if (upload->fd < 0)
        return FALSE;
    upload->size += (gint64)length;
    if (upload->size > upload->message_max) {
        upload->too_large = TRUE;
        g_set_error(&upload->problem, DM_ERROR, DM_ERROR_PERMANENT,
                    "the message is larger than the account's limit of %" G_GINT64_FORMAT " bytes",
                    upload->message_max);
        return FALSE;
    }
    return write_all(upload, data, length);
}

gboolean dm_upload_add(DmUpload *upload, const char *name, const char *data, gsize length)
{
    if (upload->problem)
        return FALSE;
    if (g_str_equal(name, "envelope"))
        return add_envelope(upload, data, length);
    if (g_str_equal(name, "message"))
        return (upload->envelope || end_envelope(upload)) && add_message(upload, data, length);
    g_set_error(&upload->problem, DM_ERROR, DM_ERROR_PERMANENT, "only the parts envelope and message are expected");
    return FALSE;
}

const DmEnvelope *dm_upload_finish(DmUpload *upload, const char **draft_file, GError **error)
{
    if (!upload->problem && !upload->file)
        g_set_error(&upload->problem, DM_ERROR, DM_ERROR_PERMANENT, "the part message is missing");
    if (!upload->problem && fsync(upload->fd) != 0)
        g_set_error(&upload->problem, DM_ERROR, DM_ERROR_OS, "%s/%s: %s; check the state directory",
                    dm_store_data_dir(upload->store), upload->file, g_strerror(errno));
    if (upload->problem) {
        g_propagate_error(error, g_error_copy(upload->problem));
        return NULL;
    }
    *draft_file = upload->file;
    return upload->envelope;
}

gboolean dm_upload_is_too_large(const DmUpload *upload)
{
    return upload->too_large;
}
