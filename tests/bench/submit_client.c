/*
 * Submits the same draft over and over, each time under a new key, as demail-poller does it: HTTPS with a client
 * certificate, kept connections, "Expect: 100-continue". What a provider and libcurl need without MTA and gateway.
 *
 * usage: submit_client URL CA CERT KEY TOKEN ENVELOPE DRAFT CONNECTIONS COUNT
 *   URL of POST /messages; TOKEN of a session; ENVELOPE as JSON; files in PEM, DRAFT as it is sent
 * Prints submissions per second. Exit: 0, 64 usage, 70 if the provider did not accept one.
 */
#include <curl/curl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { URL = 1, CA, CERT, KEY, TOKEN, ENVELOPE, DRAFT, CONNECTIONS, COUNT, ARGUMENTS };

typedef struct {
    char **arguments;
    char *draft;
    gsize draft_length;
    gint64 run; /* makes keys new */
    gint left;
    gint failed;
} Work;

static size_t on_write(char *data, size_t size, size_t count, void *user_data)
{
    g_string_append_len(user_data, data, (gssize)(size * count));
    return size * count;
}

static curl_mime *make_body(const Work *work, CURL *handle)
{
    curl_mime *mime = curl_mime_init(handle);
    curl_mimepart *part = curl_mime_addpart(mime);

    curl_mime_name(part, "envelope");
    curl_mime_type(part, "application/json");
    curl_mime_data(part, work->arguments[ENVELOPE], CURL_ZERO_TERMINATED);
    part = curl_mime_addpart(mime);
    curl_mime_name(part, "message");
    curl_mime_type(part, "message/rfc822");
    curl_mime_data(part, work->draft, work->draft_length);
    return mime;
}

static gboolean submit(const Work *work, CURL *handle, gint number)
{
    g_autofree char *bearer = g_strdup_printf("Authorization: Bearer %s", work->arguments[TOKEN]);
    g_autofree char *key = g_strdup_printf("Idempotency-Key: bench-%" G_GINT64_FORMAT "-%d", work->run, number);
    g_autoptr(GString) answer = g_string_new(NULL);
    struct curl_slist *fields = curl_slist_append(NULL, bearer);
    curl_mime *mime = make_body(work, handle);
    long status = 0;

    fields = curl_slist_append(fields, key);
    fields = curl_slist_append(fields, "Expect: 100-continue");
    curl_easy_setopt(handle, CURLOPT_URL, work->arguments[URL]);
    curl_easy_setopt(handle, CURLOPT_CAINFO, work->arguments[CA]);
    curl_easy_setopt(handle, CURLOPT_SSLCERT, work->arguments[CERT]);
    curl_easy_setopt(handle, CURLOPT_SSLKEY, work->arguments[KEY]);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(handle, CURLOPT_MIMEPOST, mime);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
    if (curl_easy_perform(handle) == CURLE_OK)
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_reset(handle);
    curl_mime_free(mime);
    curl_slist_free_all(fields);
    return status == 202 && strstr(answer->str, "\"accepted\"") != NULL;
}

/* One connection. */
static gpointer run(gpointer data)
{
    Work *work = data;
    CURL *handle = curl_easy_init();
    gint number;

    while ((number = g_atomic_int_add(&work->left, -1)) > 0) {
        if (!submit(work, handle, number))
            g_atomic_int_inc(&work->failed);
    }
    curl_easy_cleanup(handle);
    return NULL;
}

int main(int argc, char **argv)
{
    guint64 connections, count;
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    Work work = {.arguments = argv, .run = g_get_real_time()};

    if (argc != ARGUMENTS || !g_ascii_string_to_unsigned(argv[CONNECTIONS], 10, 1, 1000, &connections, NULL) ||
        !g_ascii_string_to_unsigned(argv[COUNT], 10, 1, 1000000, &count, NULL) ||
        !g_file_get_contents(argv[DRAFT], &work.draft, &work.draft_length, NULL)) {
        fputs("usage: submit_client URL CA CERT KEY TOKEN ENVELOPE DRAFT CONNECTIONS COUNT\n", stderr);
        return EX_USAGE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    work.left = (gint)count;

    gint64 start = g_get_monotonic_time();

    for (guint64 i = 0; i < connections; i++)
        g_ptr_array_add(threads, g_thread_new("connection", run, &work));
    for (guint i = 0; i < threads->len; i++)
        g_thread_join(g_ptr_array_index(threads, i));
    printf("%.2f\n", (double)count * 1e6 / (double)(g_get_monotonic_time() - start));
    g_free(work.draft);
    curl_global_cleanup();
    return work.failed == 0 ? EX_OK : EX_SOFTWARE;
}
