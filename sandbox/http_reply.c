#include "sandbox/http_reply.h"

#include <string.h>

#define BLOCK 65536

/* Where the bytes of a reply come from: the message, or the text. */
typedef struct {
    DmReply *reply;
    gint64 end; /* how many of them are sent before the connection breaks */
} Source;

static ssize_t read_source(void *data, uint64_t position, char *buffer, size_t size)
{
    const Source *source = data;
    if (source->reply->pause > 0) {
        g_usleep((gulong)(source->reply->pause * G_USEC_PER_SEC));
        size = MIN(size, 1);
    }
    gint64 left = source->end - (gint64)position;
    if (left <= 0 && source->reply->endless) {
        memset(buffer, ' ', size);
        return (ssize_t)size;
    }
    if (left <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    gsize wanted = MIN(size, (gsize)left);
    if (!source->reply->message) {
        memcpy(buffer, source->reply->body + position, wanted);
        return (ssize_t)wanted;
    }
    gssize got =
        dm_message_reader_read(source->reply->message, source->reply->offset + (gint64)position, buffer, wanted);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_source(void *data)
{
    Source *source = data;
    dm_reply_free(source->reply);
    g_free(source);
}

/* A text as it is, which leaves in one piece with the header. */
static gboolean is_plain(const DmReply *reply)
{
    return !reply->message && !reply->truncate && !reply->endless && reply->pause <= 0;
}

static struct MHD_Response *make_plain(const DmReply *reply)
{
    return MHD_create_response_from_buffer(reply->body ? strlen(reply->body) : 0, reply->body, MHD_RESPMEM_MUST_COPY);
}

/* Takes the reply over. */
static struct MHD_Response *make_response(DmReply *reply)
{
    gint64 length = reply->message ? reply->length : reply->body ? (gint64)strlen(reply->body) : 0;
    Source *source = g_new0(Source, 1);
    source->reply = reply;
    source->end = reply->truncate ? length / 2 : length;
    struct MHD_Response *response = MHD_create_response_from_callback(
        reply->endless ? MHD_SIZE_UNKNOWN : (uint64_t)length, BLOCK, read_source, source, free_source);
    if (!response)
        free_source(source);
    return response;
}

static gboolean add_fields(struct MHD_Response *response, const DmReply *reply)
{
    gboolean good = TRUE;
    if (reply->content_type)
        good = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) == MHD_YES;
    for (guint i = 0; good && i + 1 < reply->headers->len; i += 2)
        good = MHD_add_response_header(response, g_ptr_array_index(reply->headers, i),
                                       g_ptr_array_index(reply->headers, i + 1)) == MHD_YES;
    return good;
}

enum MHD_Result dm_http_queue(struct MHD_Connection *connection, DmReply *reply)
{
    if (reply->drop) {
        dm_reply_free(reply);
        return MHD_NO;
    }
    gboolean plain = is_plain(reply);
    struct MHD_Response *response = plain ? make_plain(reply) : make_response(reply);
    enum MHD_Result queued = MHD_NO;
    if (response && add_fields(response, reply))
        queued = MHD_queue_response(connection, reply->status, response);
    if (response)
        MHD_destroy_response(response);
    if (plain)
        dm_reply_free(reply);
    return queued;
}
