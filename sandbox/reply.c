#include "sandbox/reply.h"

#include "common/log.h"

#include <stdlib.h>

DmReply *dm_reply_new(guint status)
{
    DmReply *reply = g_new0(DmReply, 1);
    reply->status = status;
    reply->headers = g_ptr_array_new_with_free_func(g_free);
    return reply;
}

void dm_reply_free(DmReply *reply)
{
    if (!reply)
        return;
    g_free(reply->body);
    dm_message_reader_close(reply->message);
    g_ptr_array_unref(reply->headers);
    g_free(reply);
}

static DmReply *with_json(guint status, const char *content_type, json_t *json)
{
    DmReply *reply = dm_reply_new(status);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    reply->content_type = content_type;
    reply->body = g_strdup(text ? text : "{}");
    free(text);
    return reply;
}

DmReply *dm_reply_json(guint status, json_t *json)
{
    return with_json(status, "application/json", json);
}

static json_t *problem(guint status, const char *code, gboolean retryable, const char *detail)
{
    g_autofree char *type = g_strconcat("urn:demail:problem:", code, NULL);
    g_autofree char *clean = g_utf8_make_valid(detail, -1);
    return json_pack("{s:s, s:i, s:s, s:b}", "type", type, "status", (int)status, "detail", clean, "retryable",
                     (int)retryable);
}

DmReply *dm_reply_problem(guint status, const char *code, gboolean retryable, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *detail = g_strdup_vprintf(format, args);
    va_end(args);
    return with_json(status, "application/problem+json", problem(status, code, retryable, detail));
}

DmReply *dm_reply_problem_with(guint status, const char *code, const char *detail, const char *member, json_t *value)
{
    json_t *json = problem(status, code, FALSE, detail);
    json_object_set_new(json, member, value);
    return with_json(status, "application/problem+json", json);
}

DmReply *dm_reply_failure(const GError *failure)
{
    dm_log(DM_LOG_ERROR, "failure", DM_S("detail", failure->message));
    return dm_reply_problem(500, "internal", TRUE, "%s", failure->message);
}

void dm_reply_add_header(DmReply *reply, const char *name, const char *value)
{
    g_ptr_array_add(reply->headers, g_strdup(name));
    g_ptr_array_add(reply->headers, g_strdup(value));
}

void dm_reply_set_header(DmReply *reply, const char *name, const char *value)
{
    for (guint i = reply->headers->len; i >= 2; i -= 2) {
        if (g_ascii_strcasecmp(g_ptr_array_index(reply->headers, i - 2), name) == 0)
            g_ptr_array_remove_range(reply->headers, i - 2, 2);
    }
    dm_reply_add_header(reply, name, value);
}

void dm_reply_set_body(DmReply *reply, const char *text)
{
    g_free(reply->body);
    reply->body = g_strdup(text);
    g_clear_pointer(&reply->message, dm_message_reader_close);
}
