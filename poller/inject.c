#include "poller/inject.h"

#include "common/step.h"

#include <curl/curl.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_SECONDS 30L
#define ANSWER_SECONDS  300L /* RFC 5321 4.5.3.2 */
#define SILENCE_SECONDS 300L
#define TOTAL_SECONDS   3600L
#define ANSWER_MAX      256
#define SHUTTING_DOWN   421 /* RFC 5321 4.2.3 */

struct DmInjector {
    CURL *handle;  /* with its connection; NULL: not needed yet */
    gboolean kept; /* the last transaction left a connection */
};

typedef struct {
    const DmInjection *injection;
    gsize head_read;
    off_t position;
    gboolean after_cr;
    gboolean begun; /* the MTA asked for the message */
    gboolean broken;
    char answer[ANSWER_MAX]; /* the line with which the MTA refused or deferred; empty without one */
} Source;

/* The next raw bytes; 0 at the end, -1 if the file can't be read. */
static gssize read_raw(Source *source, char *buffer, gsize size)
{
    const GString *head = source->injection->head;
    gsize left = head->len - source->head_read;
    gssize n;

    if (left > 0) {
        size = MIN(size, left);
        memcpy(buffer, head->str + source->head_read, size);
        source->head_read += size;
        return (gssize)size;
    }
    n = pread(source->injection->fd, buffer, size, source->position);
    if (n > 0)
        source->position += n;
    return n;
}

/* Line ends need at most twice the space, so half the buffer is read. */
static size_t on_read(char *buffer, size_t size, size_t count, void *user_data)
{
    Source *source = user_data;
    gsize capacity = size * count / 2;
    char *raw = buffer + size * count - capacity;
    gssize n = read_raw(source, raw, capacity);
    gsize filled = 0;

    if (!source->begun)
        dm_step("inject-data");
    source->begun = TRUE;
    if (n < 0) {
        source->broken = TRUE;
        return CURL_READFUNC_ABORT;
    }
    for (gssize i = 0; i < n; i++) {
        char c = raw[i];

        if (c == '\n' && !source->after_cr)
            buffer[filled++] = '\r';
        buffer[filled++] = c;
        source->after_cr = c == '\r';
    }
    return filled;
}

/* libcurl gives the lines of an SMTP server as headers, up to the answer to its QUIT. */
static size_t on_answer(char *line, size_t size, size_t count, void *user_data)
{
    Source *source = user_data;
    gsize length = MIN(size * count, sizeof source->answer - 1);

    if (source->answer[0] != '\0' || length == 0 || (line[0] != '4' && line[0] != '5'))
        return size * count;
    memcpy(source->answer, line, length);
    source->answer[length] = '\0';
    g_strchomp(source->answer);
    return size * count;
}

static CURLcode perform(CURL *handle, const DmInjection *injection, struct curl_slist *recipients, Source *source,
                        char *reason)
{
    gboolean ok = curl_easy_setopt(handle, CURLOPT_URL, injection->url) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp") == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, injection->sender) == CURLE_OK &&
                  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients) == CURLE_OK;

    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(handle, CURLOPT_READDATA, source);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_answer);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, source);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     (curl_off_t)injection->head->len + (curl_off_t)(injection->size - injection->body));
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, ANSWER_SECONDS);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, TOTAL_SECONDS);
    return ok ? curl_easy_perform(handle) : CURLE_FAILED_INIT;
}

static struct curl_slist *list_recipients(char *const *recipients)
{
    struct curl_slist *list = NULL;

    for (char *const *recipient = recipients; *recipient; recipient++) {
        struct curl_slist *longer = curl_slist_append(list, *recipient);

        if (!longer) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static DmInjectResult judge(const Source *source, long answer)
{
    if (source->broken)
        return DM_INJECT_LATER;
    if (answer / 100 == 4)
        return source->begun || answer == SHUTTING_DOWN ? DM_INJECT_LATER : DM_INJECT_DEFERRED;
    if (!source->begun && answer / 100 != 5)
        return DM_INJECT_LATER;
    return answer / 100 == 5 ? DM_INJECT_REFUSED : DM_INJECT_UNSURE;
}

/* One transaction. *stale: the MTA ended the connection, which is not a new one, before it asked for the message; or no
 * connection came about. */
static CURLcode attempt(CURL *handle, const DmInjection *injection, struct curl_slist *list, Source *source,
                        char *reason, long *answer, gboolean *stale)
{
    long connects = 1;

    *source = (Source){.injection = injection, .position = injection->body};
    reason[0] = '\0';

    CURLcode code = perform(handle, injection, list, source, reason);

    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, answer);
    curl_easy_getinfo(handle, CURLINFO_NUM_CONNECTS, &connects);
    /* What it calls back, and QUIT is such a time, ends with this call. The connection stays. */
    curl_easy_reset(handle);
    *stale = code != CURLE_OK && connects == 0 && !source->begun && (*answer == 0 || *answer == SHUTTING_DOWN);
    return code;
}

/* `kept`: there may be a connection, whose end is no failure. */
static CURLcode transact(CURL *handle, gboolean kept, const DmInjection *injection, struct curl_slist *list,
                         Source *source, char *reason, long *answer)
{
    gboolean stale;
    CURLcode code = attempt(handle, injection, list, source, reason, answer, &stale);

    if (!stale || !kept)
        return code;
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    return attempt(handle, injection, list, source, reason, answer, &stale);
}

DmInjector *dm_injector_new(void)
{
    return g_new0(DmInjector, 1);
}

void dm_injector_free(DmInjector *injector)
{
    if (!injector)
        return;
    curl_easy_cleanup(injector->handle);
    g_free(injector);
}

static CURL *take_handle(DmInjector *injector)
{
    if (!injector)
        return curl_easy_init();
    if (!injector->handle)
        injector->handle = curl_easy_init();
    return injector->handle;
}

DmInjectResult dm_inject(const DmInjection *injection, char *const *recipients, GError **error)
{
    char reason[CURL_ERROR_SIZE] = "";
    Source source = {.injection = injection};
    struct curl_slist *list = list_recipients(recipients);
    DmInjector *injector = injection->injector;
    CURL *handle = take_handle(injector);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long answer = 0;

    if (handle && list) {
        dm_step("inject");
        code = transact(handle, injector && injector->kept, injection, list, &source, reason, &answer);
        dm_step("injected");
    }
    if (injector)
        injector->kept = code == CURLE_OK;
    else
        curl_easy_cleanup(handle);
    curl_slist_free_all(list);
    if (code == CURLE_OK)
        return DM_INJECT_DONE;
    if (source.answer[0] != '\0')
        g_strlcpy(reason, source.answer, sizeof reason);
    g_set_error(error, DM_ERROR, answer == 0 || answer == SHUTTING_DOWN ? DM_ERROR_UNAVAILABLE : DM_ERROR_TEMPORARY,
                "%s: %s", injection->url,
                source.broken       ? "the fetched message can't be read"
                : reason[0] != '\0' ? reason
                                    : curl_easy_strerror(code));
    return judge(&source, answer);
}
