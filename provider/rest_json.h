/*
 * The JSON of the REST API: requests made, answers read. Pure functions; `text` is untrusted. The caller bounds its
 * length (DM_HTTP_ANSWER_MAX), Jansson its depth (2048 levels). What is no JSON, or lacks what the API promises, is
 * DM_ERROR_TEMPORARY.
 */
#ifndef DEMAIL_PROVIDER_REST_JSON_H
#define DEMAIL_PROVIDER_REST_JSON_H

#include "provider/provider.h"

/* A problem as of RFC 9457. Clear with dm_problem_clear(). */
typedef struct {
    char *code;   /* the end of its URN; "http-503" if the answer was no problem document */
    char *detail; /* one line, printable, at most 300 bytes; may be empty */
    gboolean retryable;
    gint64 attempts_left; /* -1: not told */
} DmProblem;

/* Never fails: what can't be read becomes a problem named after `status`, retryable. */
void dm_problem_parse(long status, const char *text, gsize length, DmProblem *problem);
void dm_problem_clear(DmProblem *problem);

/* True if the code is a provider's refusal of a message or recipient that will not change by trying again. */
gboolean dm_problem_is_refusal(const DmProblem *problem);

typedef struct {
    char *token;
    gint64 expires_in; /* seconds */
} DmRestSession;

/* Holds a secret: wiped and freed with dm_secret_free(). */
char *dm_rest_session_request(const char *account, const char *password);
gboolean dm_rest_session_parse(const char *text, gsize length, DmRestSession *session, GError **error);

/* The part `envelope` of a submission. Free with g_free(). */
char *dm_rest_envelope(const DmSubmission *submission);

/* NULL, too, where a result is for nobody, or two are for the same recipient: an answer that contradicts itself says
 * nothing. */
DmOutcome *dm_rest_outcome_parse(const char *text, gsize length, GError **error);

/* Appends DmEntry * to `entries`; *cursor is NULL at the end. Free it with g_free(). */
gboolean dm_rest_entries_parse(const char *text, gsize length, GPtrArray *entries, char **cursor, GError **error);

gboolean dm_rest_account_parse(const char *text, gsize length, DmAccount *account, GError **error);

#endif
