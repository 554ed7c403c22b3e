#include "sandbox/api_messages.h"

#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define WAIT_MAX      300

static DmReply *reply_key(DmSandbox *sandbox, const DmRequest *request, const char *key)
{
    json_t *status = dm_store_key_status(sandbox->store, request->account->name, key);
    if (!status)
        return dm_reply_problem(404, "unknown-key", FALSE, "nothing was submitted under this key");
    return dm_reply_json(200, status);
}

DmReply *dm_api_messages(DmSandbox *sandbox, DmRequest *request)
{
    const char *key = dm_request_query(request, "key");
    if (key)
        return reply_key(sandbox, request, key);

    const char *folder_word = dm_request_query(request, "folder");
    const char *state = dm_request_query(request, "state");
    DmFolder folder;
    guint64 limit;
    guint64 after;
    guint64 wait;
    if (!dm_folder_parse(folder_word ? folder_word : "inbox", &folder))
        return dm_reply_problem(400, "invalid-request", FALSE, "folder must be inbox or sent");
    if (state && !g_str_equal(state, "new") && !g_str_equal(state, "all"))
        return dm_reply_problem(400, "invalid-request", FALSE, "state must be new or all");
    if (!dm_request_number(request, "limit", LIMIT_MAX, LIMIT_DEFAULT, &limit) || limit == 0 ||
        !dm_request_number(request, "cursor", G_MAXINT64, 0, &after) ||
        !dm_request_number(request, "wait", WAIT_MAX, 0, &wait))
        return dm_reply_problem(400, "invalid-request", FALSE,
                                "limit must be 1 to %d, wait 0 to %d seconds, cursor as it was given", LIMIT_MAX,
                                WAIT_MAX);

    gint64 next;
    gboolean only_new = !state || g_str_equal(state, "new");
    json_t *entries = dm_store_list(sandbox->store, request->account->name, folder, only_new, (gint64)after,
                                    (guint)limit, (guint)wait, &next);
    g_autofree char *cursor = next > 0 ? g_strdup_printf("%" G_GINT64_FORMAT, next) : NULL;
    return dm_reply_json(200, json_pack("{s:o, s:s?}", "messages", entries, "cursor", cursor));
}

static DmReply *reply_unknown(void)
{
    return dm_reply_problem(404, "unknown-message", FALSE, "there is no such message");
}

DmReply *dm_api_message(DmSandbox *sandbox, DmRequest *request)
{
    const DmMessage *message = dm_store_find(sandbox->store, request->account->name, request->id);
    return message ? dm_reply_json(200, dm_store_entry(sandbox->store, message)) : reply_unknown();
}

typedef enum { RANGE_NONE, RANGE_GOOD, RANGE_BAD } Range;

/* One range of RFC 9110 14.1.2; others are ignored, as the RFC allows. */
static Range read_range(const char *text, gint64 size, gint64 *offset, gint64 *length)
{
    const char *unit = "bytes=";
    const char *dash = text ? strchr(text, '-') : NULL;
    if (!dash || !g_str_has_prefix(text, unit) || strchr(text, ','))
        return RANGE_NONE;
    g_autofree char *first_text = g_strndup(text + strlen(unit), (gsize)(dash - text) - strlen(unit));
    guint64 first = 0;
    guint64 last = (guint64)size - 1;
    if (!*first_text) {
        guint64 tail;
        if (!g_ascii_string_to_unsigned(dash + 1, 10, 0, G_MAXINT64, &tail, NULL))
            return RANGE_NONE;
        first = (guint64)size - MIN(tail, (guint64)size);
    } else if (!g_ascii_string_to_unsigned(first_text, 10, 0, G_MAXINT64, &first, NULL) ||
               (dash[1] && !g_ascii_string_to_unsigned(dash + 1, 10, first, G_MAXINT64, &last, NULL))) {
        return RANGE_NONE;
    }
    if (first >= (guint64)size)
        return RANGE_BAD;
    last = MIN(last, (guint64)size - 1);
    *offset = (gint64)first;
    *length = (gint64)(last - first + 1);
    return RANGE_GOOD;
}

DmReply *dm_api_reply_raw(DmSandbox *sandbox, const DmRequest *request, const DmMessage *message)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(DmMessageReader) reader = dm_message_reader_open(message, dm_store_data_dir(sandbox->store), &problem);
    g_autofree char *digest = reader ? dm_message_digest(reader, &problem) : NULL;
    if (!digest)
        return dm_reply_failure(problem);

    gint64 size = dm_message_size(message);
    gint64 offset = 0;
    gint64 length = size;
    Range range = read_range(dm_request_header(request, "range"), size, &offset, &length);
    g_autofree char *whole = g_strdup_printf("bytes */%" G_GINT64_FORMAT, size);
    if (range == RANGE_BAD) {
        DmReply *refused = dm_reply_problem(416, "invalid-request", FALSE, "the range is behind the end");
        dm_reply_add_header(refused, "Content-Range", whole);
        return refused;
    }
    DmReply *reply = dm_reply_new(range == RANGE_GOOD ? 206 : 200);
    reply->content_type = "message/rfc822";
    reply->message = g_steal_pointer(&reader);
    reply->offset = offset;
    reply->length = length;
    g_autofree char *repr_digest = g_strdup_printf("sha-256=:%s:", digest);
    dm_reply_add_header(reply, "Repr-Digest", repr_digest);
    dm_reply_add_header(reply, "Accept-Ranges", "bytes");
    if (range == RANGE_GOOD) {
        g_autofree char *part = g_strdup_printf("bytes %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT,
                                                offset, offset + length - 1, size);
        dm_reply_add_header(reply, "Content-Range", part);
    }
    return reply;
}

DmReply *dm_api_raw(DmSandbox *sandbox, DmRequest *request)
{
    const DmMessage *message = dm_store_find(sandbox->store, request->account->name, request->id);
    return message ? dm_api_reply_raw(sandbox, request, message) : reply_unknown();
}

DmReply *dm_api_ack(DmSandbox *sandbox, DmRequest *request)
{
    const DmMessage *message = dm_store_find(sandbox->store, request->account->name, request->id);
    if (!message)
        return reply_unknown();
    g_autoptr(GError) problem = NULL;
    return dm_store_ack(sandbox->store, message, &problem) ? dm_reply_new(204) : dm_reply_failure(problem);
}
