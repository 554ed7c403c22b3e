#include "poller/trust_fetch.h"

#include "standard/trust_list.h"

#include <curl/curl.h>

#define CONNECT_SECONDS 30L
#define SILENCE_SECONDS 60L
#define TOTAL_SECONDS   300L
#define REDIRECTS_MAX   5L
#define NOT_MODIFIED    304

typedef struct {
    CURL *handle;
    const DmTrustSource *source;
    GString *body;
    struct curl_slist *fields;
    gboolean too_large;
} Transfer;

void dm_trust_mark_clear(DmTrustMark *mark)
{
    g_free(mark->etag);
    g_free(mark->last_modified);
    *mark = (DmTrustMark){NULL, NULL};
}

static size_t on_write(char *data, size_t size, size_t count, void *user_data)
{
    Transfer *transfer = user_data;

    if (size * count > (gsize)DM_TRUST_LIST_MAX - transfer->body->len) {
        transfer->too_large = TRUE;
        return 0;
    }
    g_string_append_len(transfer->body, data, (gssize)(size * count));
    return size * count;
}

static int on_progress(void *user_data, curl_off_t down, curl_off_t downed, curl_off_t up, curl_off_t upped)
{
    const Transfer *transfer = user_data;

    (void)down, (void)downed, (void)up, (void)upped;
    return g_atomic_int_get(transfer->source->cancel) != 0;
}

static gboolean add_field(Transfer *transfer, const char *name, const char *value)
{
    if (!value)
        return TRUE;

    g_autofree char *line = g_strdup_printf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->fields, line);
    if (longer)
        transfer->fields = longer;
    return longer != NULL;
}

static gboolean set_up(Transfer *transfer, const DmTrustMark *mark)
{
    CURL *handle = transfer->handle;
    const DmTrustSource *source = transfer->source;
    gboolean ok = add_field(transfer, "If-None-Match", mark->etag) &&
                  add_field(transfer, "If-Modified-Since", mark->last_modified) &&
                  curl_easy_setopt(handle, CURLOPT_URL, source->url) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,file") == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;

    if (source->ca_file[0] != '\0')
        ok = ok && curl_easy_setopt(handle, CURLOPT_CAINFO, source->ca_file) == CURLE_OK;
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "demail-milter/" DEMAIL_VERSION);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, TOTAL_SECONDS);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
    return ok;
}

/* Without libcurl's own text, which counts milliseconds. */
static DmTrustFetch fail(const Transfer *transfer, CURLcode code, long status, GError **error)
{
    if (transfer->too_large)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the list is larger than %d bytes", DM_TRUST_LIST_MAX);
    else if (status >= 400)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the server answers %ld", status);
    else
        g_set_error_literal(error, DM_ERROR, DM_ERROR_TEMPORARY, curl_easy_strerror(code));
    return DM_TRUST_FAILED;
}

static char *field_of(CURL *handle, const char *name)
{
    struct curl_header *field;

    return curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &field) == CURLHE_OK ? g_strdup(field->value) : NULL;
}

static DmTrustFetch judge(const Transfer *transfer, CURLcode code, DmTrustMark *mark, GError **error)
{
    long status = 0;

    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        return fail(transfer, code, status, error);
    if (status == NOT_MODIFIED)
        return DM_TRUST_UNCHANGED;
    dm_trust_mark_clear(mark);
    mark->etag = field_of(transfer->handle, "ETag");
    mark->last_modified = field_of(transfer->handle, "Last-Modified");
    return DM_TRUST_FETCHED;
}

DmTrustFetch dm_trust_fetch(const DmTrustSource *source, DmTrustMark *mark, GString *body, GError **error)
{
    Transfer transfer = {.handle = curl_easy_init(), .source = source, .body = body};
    CURLcode code = CURLE_FAILED_INIT;

    if (transfer.handle && set_up(&transfer, mark))
        code = curl_easy_perform(transfer.handle);
    DmTrustFetch fetched = transfer.handle ? judge(&transfer, code, mark, error) : fail(&transfer, code, 0, error);
    curl_easy_cleanup(transfer.handle);
    curl_slist_free_all(transfer.fields);
    return fetched;
}
