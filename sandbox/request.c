#include "sandbox/request.h"

DmRequest *dm_request_new(const char *method, const char *path)
{
    DmRequest *request = g_new0(DmRequest, 1);
    request->method = g_strdup(method);
    request->path = g_strdup(path);
    request->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    request->query = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    request->body = g_byte_array_new();
    return request;
}

void dm_request_free(DmRequest *request)
{
    if (!request)
        return;
    dm_upload_free(request->upload);
    g_free(request->claimed_key);
    g_free(request->id);
    g_free(request->token);
    g_free(request->method);
    g_free(request->path);
    g_hash_table_unref(request->headers);
    g_hash_table_unref(request->query);
    g_byte_array_unref(request->body);
    g_free(request);
}

const char *dm_request_header(const DmRequest *request, const char *name)
{
    return g_hash_table_lookup(request->headers, name);
}

const char *dm_request_query(const DmRequest *request, const char *name)
{
    return g_hash_table_lookup(request->query, name);
}

gboolean dm_request_number(const DmRequest *request, const char *name, guint64 max, guint64 fallback, guint64 *number)
{
    const char *text = dm_request_query(request, name);
    *number = fallback;
    return !text || g_ascii_string_to_unsigned(text, 10, 0, max, number, NULL);
}

json_t *dm_request_json(const DmRequest *request, char **detail)
{
    json_error_t where;
    json_t *json = json_loadb((const char *)request->body->data, request->body->len, JSON_REJECT_DUPLICATES, &where);
    if (json_is_object(json))
        return json;
    *detail = g_strdup(json ? "the body is no JSON object" : where.text);
    json_decref(json);
    return NULL;
}

void dm_request_add_body(DmRequest *request, const void *data, gsize length)
{
    if (request->too_large || request->body->len + length > request->body_max) {
        request->too_large = TRUE;
        return;
    }
    g_byte_array_append(request->body, data, (guint)length);
}
