/*
 * One call of the API, free of any HTTP library.
 */
#ifndef DEMAIL_SANDBOX_REQUEST_H
#define DEMAIL_SANDBOX_REQUEST_H

#include "sandbox/accounts.h"
#include "sandbox/json.h"
#include "sandbox/upload.h"

#include <glib.h>

typedef struct {
    char *method;
    char *path;
    GHashTable *headers; /* names in lower case */
    GHashTable *query;
    GByteArray *body;
    gsize body_max;     /* bytes; set by dm_api_begin() */
    gboolean too_large; /* the body went beyond it and was not kept */

    const struct DmRoute *route; /* set by dm_api_begin() */
    char *id;                    /* the part of the path that varies; NULL: none */
    char *token;                 /* NULL where the call needs no session */
    const DmAccount *account;
    DmUpload *upload; /* POST /messages: takes the body instead of `body` */
    char *claimed_key;
} DmRequest;

DmRequest *dm_request_new(const char *method, const char *path);
void dm_request_free(DmRequest *request);

/* NULL if there is no such field or argument. */
const char *dm_request_header(const DmRequest *request, const char *lower_case_name);
const char *dm_request_query(const DmRequest *request, const char *name);

/* The query argument as a whole number from 0 to `max`; `fallback` if it is missing; FALSE if it is something else. */
gboolean dm_request_number(const DmRequest *request, const char *name, guint64 max, guint64 fallback, guint64 *number);

/* The body as a JSON object; NULL with *detail set (g_free) if it is none. */
json_t *dm_request_json(const DmRequest *request, char **detail);

/* Appends to the body up to its limit. */
void dm_request_add_body(DmRequest *request, const void *data, gsize length);

#endif
