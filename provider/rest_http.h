/*
 * HTTPS for the rest driver, by libcurl: TLS 1.2 or later with a client certificate, no redirects, connections and TLS
 * sessions kept for the next request. Nothing here knows JSON. A DmHttp may be used from any thread. Tokens and answers
 * are wiped from memory here; the program gives libcurl an allocator that wipes what libcurl frees.
 */
#ifndef DEMAIL_PROVIDER_REST_HTTP_H
#define DEMAIL_PROVIDER_REST_HTTP_H

#include "provider/provider.h"

#define DM_HTTP_ANSWER_MAX ((gsize)1024 * 1024) /* bytes of an answer that is kept in memory */

typedef struct DmHttp DmHttp;

/* Takes the bytes of a 2xx answer as they come; FALSE breaks the transfer off. */
typedef gboolean (*DmHttpSink)(const void *data, gsize length, gpointer sink_data);

/* What is NULL or 0 is left out. All strings are lent for the time of the call. */
typedef struct {
    const char *method;
    const char *path;               /* below <url>/v1, with its query */
    const char *token;              /* bearer token */
    const char *json;               /* body */
    const DmSubmission *submission; /* a multipart body: `envelope`, then the bytes that submission->read gives */
    const char *envelope;
    DmHttpSink sink;
    gpointer sink_data;
    gsize answer_max; /* bytes of the answer, instead of DM_HTTP_ANSWER_MAX */
    gint64 timeout;   /* seconds in all; 0: no bound but those on silence, and on the answer after a message */
} DmHttpRequest;

typedef struct {
    long status;
    GString *body;      /* of any answer without sink, and of errors */
    char *digest;       /* Repr-Digest, or NULL */
    gint64 retry_after; /* seconds; 0: not told */
    gboolean begun;     /* the source of the message was read: it can't be sent again */
} DmHttpAnswer;

/* Opens no connection. */
DmHttp *dm_http_new(const DmProviderConfig *config);
void dm_http_free(DmHttp *http);

/* TRUE if there was an answer, whatever its status. DM_ERROR_UNAVAILABLE where the provider could not be reached, or
 * broke off or said nothing in time before a message was read; DM_ERROR_TEMPORARY where the exchange, the source of the
 * message or the sink broke or came to a halt. `answer` is to be cleared in any case; `answer->begun` holds after
 * failures, too. */
gboolean dm_http_perform(DmHttp *http, const DmHttpRequest *request, DmHttpAnswer *answer, GError **error);
void dm_http_answer_clear(DmHttpAnswer *answer);

#endif
