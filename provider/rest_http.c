#include "provider/rest_http.h"

#include "common/step.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <string.h>

#define CONNECT_SECONDS 30L
#define SLOWEST         100L   /* bytes per second; less is silence */
#define CONTINUE_MILLIS 3000L  /* how long the provider may take to say that it wants the body */
#define SMALL_BUFFER    16384L /* bytes; the least that libcurl has, enough for most messages */
#define ANSWER_START    16384  /* bytes; an answer to a login, with its token, never moves */

struct DmHttp {
    char *name; /* of the provider */
    char *base;
    char *ca_file;
    char *client_cert;
    char *client_key;
    long silence;    /* seconds */
    gint64 idle_max; /* connections that are kept */
    GMutex lock;
    GPtrArray *idle; /* of CURL *, with their connections */
};

/* One request while it runs. */
typedef struct {
    CURL *handle;
    const DmHttpRequest *request;
    DmHttpAnswer *answer;
    struct curl_slist *fields;
    curl_mime *mime;
    gint64 silence;    /* seconds */
    gint64 answer_due; /* monotonic microseconds; 0: the message is not read yet */
    gint64 taken;      /* bytes of the message */
    curl_off_t sent;   /* bytes */
    gboolean source_broke;
    gboolean sink_broke;
    gboolean too_long;
    gboolean too_late;
    char reason[CURL_ERROR_SIZE];
} Transfer;

DmHttp *dm_http_new(const DmProviderConfig *config)
{
    DmHttp *http = g_new0(DmHttp, 1);
    gsize length = strlen(config->url);

    while (length > 0 && config->url[length - 1] == '/')
        length--;
    http->base = g_strdup_printf("%.*s/v1", (int)length, config->url);
    http->name = g_strdup(config->name);
    http->ca_file = g_strdup(config->ca_file);
    http->client_cert = g_strdup(config->client_cert);
    http->client_key = g_strdup(config->client_key);
    http->silence = (long)(2 * config->timeout);
    http->idle_max = config->max_submissions + 1; /* one for the mailbox */
    http->idle = g_ptr_array_new_with_free_func(curl_easy_cleanup);
    g_mutex_init(&http->lock);
    return http;
}

void dm_http_free(DmHttp *http)
{
    if (!http)
        return;
    g_ptr_array_unref(http->idle);
    g_mutex_clear(&http->lock);
    g_free(http->name);
    g_free(http->base);
    g_free(http->ca_file);
    g_free(http->client_cert);
    g_free(http->client_key);
    g_free(http);
}

static CURL *take_handle(DmHttp *http)
{
    CURL *handle = NULL;

    g_mutex_lock(&http->lock);
    if (http->idle->len > 0)
        handle = g_ptr_array_steal_index(http->idle, http->idle->len - 1);
    g_mutex_unlock(&http->lock);
    return handle ? handle : curl_easy_init();
}

static void give_handle(DmHttp *http, CURL *handle)
{
    curl_easy_reset(handle);
    g_mutex_lock(&http->lock);
    if (http->idle->len < http->idle_max) {
        g_ptr_array_add(http->idle, handle);
        handle = NULL;
    }
    g_mutex_unlock(&http->lock);
    if (handle)
        curl_easy_cleanup(handle);
}

static size_t on_read(char *buffer, size_t size, size_t count, void *user_data)
{
    Transfer *transfer = user_data;
    const DmSubmission *submission = transfer->request->submission;
    gssize n = submission->read(buffer, size * count, submission->data);

    if (!transfer->answer->begun)
        dm_step("provider-data");
    transfer->answer->begun = TRUE;
    transfer->taken += MAX(n, 0);
    if (n == 0 || transfer->taken == submission->size)
        transfer->answer_due = g_get_monotonic_time() + transfer->silence * G_USEC_PER_SEC;
    if (n >= 0)
        return (size_t)n;
    transfer->source_broke = TRUE;
    return CURL_READFUNC_ABORT;
}

/* An answer that comes in drops is never silent, and would hold one of max_submissions for ever. */
static int on_progress(void *user_data, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    Transfer *transfer = user_data;

    (void)down_total;
    (void)down;
    (void)up_total;
    /* What libcurl has read may wait in buffers on a slow line. */
    if (up != transfer->sent && transfer->answer_due > 0)
        transfer->answer_due = g_get_monotonic_time() + transfer->silence * G_USEC_PER_SEC;
    transfer->sent = up;
    transfer->too_late = transfer->answer_due > 0 && g_get_monotonic_time() > transfer->answer_due;
    return transfer->too_late;
}

static gsize answer_max(const DmHttpRequest *request)
{
    return request->answer_max > 0 ? request->answer_max : DM_HTTP_ANSWER_MAX;
}

static size_t on_write(char *data, size_t size, size_t count, void *user_data)
{
    Transfer *transfer = user_data;
    gsize length = size * count;
    long status = 0;

    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->request->sink && status / 100 == 2) {
        transfer->sink_broke = !transfer->request->sink(data, length, transfer->request->sink_data);
        return transfer->sink_broke ? 0 : length;
    }
    if (transfer->answer->body->len + length > answer_max(transfer->request)) {
        transfer->too_long = TRUE;
        return 0;
    }
    g_string_append_len(transfer->answer->body, data, (gssize)length);
    return length;
}

static void add_field(Transfer *transfer, const char *name, const char *value)
{
    g_autofree char *line = g_strdup_printf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->fields, line);

    if (longer)
        transfer->fields = longer;
    explicit_bzero(line, strlen(line));
}

/* OpenSSL keeps what came last, which may be a token, until the next bytes come. */
static CURLcode on_tls(CURL *handle, void *context, void *user_data)
{
    (void)handle;
    (void)user_data;
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

static void forget_fields(struct curl_slist *fields)
{
    for (struct curl_slist *field = fields; field; field = field->next)
        explicit_bzero(field->data, strlen(field->data));
    curl_slist_free_all(fields);
}

static gboolean set_connection(const DmHttp *http, Transfer *transfer, const char *url)
{
    CURL *handle = transfer->handle;
    gboolean ok = curl_easy_setopt(handle, CURLOPT_URL, url) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_SSLCERT, http->client_cert) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_SSLKEY, http->client_key) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK;

    if (http->ca_file[0] != '\0')
        ok = ok && curl_easy_setopt(handle, CURLOPT_CAINFO, http->ca_file) == CURLE_OK;
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->reason);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "demail-milter/" DEMAIL_VERSION);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, MIN(CONNECT_SECONDS, http->silence));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, SLOWEST);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, http->silence);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(handle, CURLOPT_EXPECT_100_TIMEOUT_MS, CONTINUE_MILLIS);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, (long)transfer->request->timeout);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    return ok;
}

static gboolean set_multipart(Transfer *transfer)
{
    curl_off_t size = transfer->request->submission->size;
    curl_mimepart *part;

    if (size > 0 && size <= SMALL_BUFFER)
        curl_easy_setopt(transfer->handle, CURLOPT_UPLOAD_BUFFERSIZE, SMALL_BUFFER);

    transfer->mime = curl_mime_init(transfer->handle);
    part = curl_mime_addpart(transfer->mime);
    if (curl_mime_name(part, "envelope") != CURLE_OK || curl_mime_type(part, "application/json") != CURLE_OK ||
        curl_mime_data(part, transfer->request->envelope, CURL_ZERO_TERMINATED) != CURLE_OK)
        return FALSE;
    part = curl_mime_addpart(transfer->mime);
    if (curl_mime_name(part, "message") != CURLE_OK || curl_mime_type(part, "message/rfc822") != CURLE_OK ||
        curl_mime_data_cb(part, size > 0 ? size : -1, on_read, NULL, NULL, transfer) != CURLE_OK)
        return FALSE;
    add_field(transfer, "Idempotency-Key", transfer->request->submission->key);
    /* So that an expired session or a full account is known before the message is read from the MTA. */
    add_field(transfer, "Expect", "100-continue");
    return curl_easy_setopt(transfer->handle, CURLOPT_MIMEPOST, transfer->mime) == CURLE_OK;
}

static gboolean set_request(Transfer *transfer)
{
    const DmHttpRequest *request = transfer->request;
    gboolean ok = TRUE;

    if (request->token) {
        g_autofree char *bearer = g_strdup_printf("Bearer %s", request->token);

        add_field(transfer, "Authorization", bearer);
        explicit_bzero(bearer, strlen(bearer));
    }
    if (request->submission) {
        ok = set_multipart(transfer);
    } else if (request->json) {
        add_field(transfer, "Content-Type", "application/json");
        ok = curl_easy_setopt(transfer->handle, CURLOPT_POSTFIELDS, request->json) == CURLE_OK;
    } else if (g_str_equal(request->method, "POST")) {
        ok = curl_easy_setopt(transfer->handle, CURLOPT_POSTFIELDS, "") == CURLE_OK;
    }
    return ok && curl_easy_setopt(transfer->handle, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           curl_easy_setopt(transfer->handle, CURLOPT_HTTPHEADER, transfer->fields) == CURLE_OK;
}

static void read_answer(Transfer *transfer)
{
    struct curl_header *digest;
    curl_off_t retry_after = 0;

    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &transfer->answer->status);
    curl_easy_getinfo(transfer->handle, CURLINFO_RETRY_AFTER, &retry_after);
    transfer->answer->retry_after = (gint64)retry_after;
    if (curl_easy_header(transfer->handle, "Repr-Digest", 0, CURLH_HEADER, -1, &digest) == CURLHE_OK)
        transfer->answer->digest = g_strdup(digest->value);
}

/* Whether the provider could not be reached at all, other than an exchange that broke or came to a halt: that may be
 * one slow submission, or the MTA, and says nothing about the others. */
static gboolean is_unreachable(const Transfer *transfer, CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
        CURLE_SSL_CONNECT_ERROR,     CURLE_SSL_CERTPROBLEM,      CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE,    CURLE_SSL_ISSUER_ERROR,     CURLE_PEER_FAILED_VERIFICATION};

    /* With TLS 1.3 a server that does not take our certificate says so after the handshake. */
    if (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
        return !transfer->answer->begun && transfer->answer->status == 0;
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (codes[i] == code)
            return TRUE;
    }
    return FALSE;
}

static gboolean fail(const DmHttp *http, const Transfer *transfer, CURLcode code, GError **error)
{
    const char *reason = transfer->reason[0] != '\0' ? transfer->reason : curl_easy_strerror(code);

    if (transfer->source_broke)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the MTA's connection broke before the message was complete");
    else if (transfer->sink_broke)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "provider %s: the answer could not be stored", http->name);
    else if (transfer->too_long)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                    "provider %s: the answer is longer than %" G_GSIZE_FORMAT " bytes", http->name,
                    answer_max(transfer->request));
    else if (transfer->too_late)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                    "provider %s: no whole answer within %ld seconds after the message", http->name, http->silence);
    else
        g_set_error(error, DM_ERROR, is_unreachable(transfer, code) ? DM_ERROR_UNAVAILABLE : DM_ERROR_TEMPORARY,
                    "provider %s: %s", http->name, reason);
    return FALSE;
}

gboolean dm_http_perform(DmHttp *http, const DmHttpRequest *request, DmHttpAnswer *answer, GError **error)
{
    Transfer transfer = {.handle = take_handle(http), .request = request, .answer = answer, .silence = http->silence};
    g_autofree char *url = g_strconcat(http->base, request->path, NULL);
    CURLcode code = CURLE_FAILED_INIT;

    *answer = (DmHttpAnswer){.body = g_string_sized_new(ANSWER_START)};
    if (!transfer.handle)
        return fail(http, &transfer, CURLE_OUT_OF_MEMORY, error);
    dm_step("provider-call");
    if (set_connection(http, &transfer, url) && set_request(&transfer))
        code = curl_easy_perform(transfer.handle);
    dm_step("provider-answer");
    /* A provider that refuses early may close while the message is still on its way: its answer counts. */
    read_answer(&transfer);
    give_handle(http, transfer.handle);
    curl_mime_free(transfer.mime);
    forget_fields(transfer.fields);
    if (code == CURLE_OK || (code == CURLE_SEND_ERROR && answer->status / 100 >= 4))
        return TRUE;
    return fail(http, &transfer, code, error);
}

void dm_http_answer_clear(DmHttpAnswer *answer)
{
    if (answer->body) {
        explicit_bzero(answer->body->str, answer->body->allocated_len);
        g_string_free(answer->body, TRUE);
    }
    g_free(answer->digest);
    *answer = (DmHttpAnswer){0};
}
