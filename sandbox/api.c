#include "sandbox/api.h"

#include "sandbox/api_account.h"
#include "sandbox/api_messages.h"
#include "sandbox/api_sandbox.h"
#include "sandbox/api_submit.h"

#include <string.h>

#define JSON_MAX  65536
#define DRAFT_MAX ((gsize)64 * 1024 * 1024)

typedef struct DmRoute {
    const char *method;
    const char *prefix; /* the path up to the id, or all of it */
    const char *suffix; /* after the id; NULL: the route has no id */
    gboolean needs_session;
    gsize body_max;
    DmReply *(*handle)(DmSandbox *sandbox, DmRequest *request);
    DmReply *(*prepare)(DmSandbox *sandbox, DmRequest *request); /* may be NULL; as dm_api_begin() */
} Route;

static const Route routes[] = {
    {"POST", "/v1/session", NULL, FALSE, JSON_MAX, dm_api_login, NULL},
    {"DELETE", "/v1/session", NULL, TRUE, 0, dm_api_logout, NULL},
    {"GET", "/v1/account", NULL, TRUE, 0, dm_api_account, NULL},
    {"GET", "/v1/directory", NULL, TRUE, 0, dm_api_directory, NULL},
    {"POST", "/v1/messages", NULL, TRUE, 0, dm_api_submit, dm_api_submit_prepare},
    {"GET", "/v1/messages", NULL, TRUE, 0, dm_api_messages, NULL},
    {"GET", "/v1/messages/", "", TRUE, 0, dm_api_message, NULL},
    {"GET", "/v1/messages/", "/raw", TRUE, 0, dm_api_raw, NULL},
    {"POST", "/v1/messages/", "/ack", TRUE, JSON_MAX, dm_api_ack, NULL},
    {"POST", "/sandbox/send", NULL, FALSE, DRAFT_MAX, dm_api_sandbox_send, NULL},
    {"GET", "/sandbox/mailbox", NULL, FALSE, 0, dm_api_sandbox_mailbox, NULL},
    {"GET", "/sandbox/raw/", "", FALSE, 0, dm_api_sandbox_raw, NULL},
    {"GET", "/sandbox/draft/", "", FALSE, 0, dm_api_sandbox_draft, NULL},
    {"POST", "/sandbox/login", NULL, FALSE, JSON_MAX, dm_api_sandbox_login, NULL},
    {"POST", "/sandbox/identify", NULL, FALSE, JSON_MAX, dm_api_sandbox_identify, NULL},
    {"POST", "/sandbox/seal", NULL, FALSE, JSON_MAX, dm_api_sandbox_seal, NULL},
    {"POST", "/sandbox/fault", NULL, FALSE, JSON_MAX, dm_api_sandbox_fault, NULL},
    {"DELETE", "/sandbox/fault", NULL, FALSE, 0, dm_api_sandbox_clear, NULL},
    {"GET", "/sandbox/stats", NULL, FALSE, 0, dm_api_sandbox_stats, NULL},
};

/* Whether the path is the route's; *id is the part that varies, or NULL. */
static gboolean matches(const Route *route, const char *path, char **id)
{
    *id = NULL;
    if (!route->suffix)
        return g_str_equal(path, route->prefix);
    gsize prefix = strlen(route->prefix);
    gsize suffix = strlen(route->suffix);
    gsize length = strlen(path);
    if (length <= prefix + suffix || !g_str_has_prefix(path, route->prefix) || !g_str_has_suffix(path, route->suffix))
        return FALSE;
    *id = g_strndup(path + prefix, length - prefix - suffix);
    if (!strchr(*id, '/'))
        return TRUE;
    g_clear_pointer(id, g_free);
    return FALSE;
}

static DmReply *find_route(DmRequest *request)
{
    gboolean other_method = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(routes); i++) {
        char *id;
        if (!matches(&routes[i], request->path, &id))
            continue;
        if (g_str_equal(routes[i].method, request->method)) {
            request->route = &routes[i];
            request->id = id;
            request->body_max = routes[i].body_max;
            return NULL;
        }
        g_free(id);
        other_method = TRUE;
    }
    if (other_method)
        return dm_reply_problem(405, "method-not-allowed", FALSE, "%s is not possible here", request->method);
    return dm_reply_problem(404, "not-found", FALSE, "there is no %s", request->path);
}

static DmReply *check_session(DmSandbox *sandbox, DmRequest *request)
{
    const char *authorization = dm_request_header(request, "authorization");
    const char *scheme = "Bearer ";
    if (authorization && g_ascii_strncasecmp(authorization, scheme, strlen(scheme)) == 0)
        request->token = g_strdup(authorization + strlen(scheme));
    request->account = request->token ? dm_sessions_check(sandbox->sessions, request->token) : NULL;
    if (request->account)
        return NULL;
    DmReply *reply = dm_reply_problem(401, "session-expired", FALSE, "there is no such session; log in again");
    dm_reply_add_header(reply, "WWW-Authenticate", "Bearer");
    return reply;
}

static DmFault *take_fault(DmSandbox *sandbox, DmFaultKind kind, const DmRequest *request)
{
    return dm_faults_take(sandbox->faults, kind, request->method, request->path, request->query);
}

static const char *ordered_code(guint status)
{
    if (status == 429 || status == 503)
        return "unavailable";
    return status >= 500 ? "internal" : "ordered-fault";
}

static DmReply *check_fault(DmSandbox *sandbox, const DmRequest *request)
{
    g_autoptr(DmFault) answer = take_fault(sandbox, DM_FAULT_ANSWER, request);
    if (answer) {
        DmReply *ordered = dm_reply_new(answer->status);
        dm_fault_change(answer, ordered);
        return ordered;
    }
    g_autoptr(DmFault) fault = take_fault(sandbox, DM_FAULT_STATUS, request);
    if (!fault)
        return NULL;
    DmReply *reply = dm_reply_problem(fault->status, ordered_code(fault->status),
                                      fault->status == 429 || fault->status >= 500, "ordered by a test");
    if (fault->retry_after > 0) {
        g_autofree char *seconds = g_strdup_printf("%u", fault->retry_after);
        dm_reply_add_header(reply, "Retry-After", seconds);
    }
    return reply;
}

DmReply *dm_api_begin(DmSandbox *sandbox, DmRequest *request)
{
    g_atomic_int_inc(&sandbox->stats.requests);
    DmReply *early = find_route(request);
    if (!early)
        early = check_fault(sandbox, request);
    if (!early && request->route->needs_session)
        early = check_session(sandbox, request);
    if (!early && request->route->prepare)
        early = request->route->prepare(sandbox, request);
    return early;
}

static void apply_faults_of_answer(DmSandbox *sandbox, const DmRequest *request, DmReply *reply)
{
    g_autoptr(DmFault) lose = take_fault(sandbox, DM_FAULT_LOSE_ANSWER, request);
    reply->drop = lose != NULL;
    if (lose)
        return;
    g_autoptr(DmFault) change = take_fault(sandbox, DM_FAULT_CHANGE_ANSWER, request);
    g_autoptr(DmFault) truncate = take_fault(sandbox, DM_FAULT_TRUNCATE_ANSWER, request);
    g_autoptr(DmFault) endless = take_fault(sandbox, DM_FAULT_ENDLESS_ANSWER, request);
    g_autoptr(DmFault) slow = take_fault(sandbox, DM_FAULT_SLOW_ANSWER, request);
    if (change)
        dm_fault_change(change, reply);
    reply->truncate = truncate != NULL;
    reply->endless = endless != NULL;
    reply->pause = slow ? slow->seconds : 0;
}

DmReply *dm_api_finish(DmSandbox *sandbox, DmRequest *request)
{
    if (request->too_large)
        return dm_reply_problem(413, "too-large", FALSE, "the body is larger than %" G_GSIZE_FORMAT " bytes",
                                request->body_max);
    gint64 came = g_get_monotonic_time();
    g_autoptr(DmFault) delay = take_fault(sandbox, DM_FAULT_DELAY, request);
    if (delay)
        dm_faults_sleep(sandbox->faults, came, delay->seconds);
    DmReply *reply = request->route->handle(sandbox, request);
    apply_faults_of_answer(sandbox, request, reply);
    g_autoptr(DmFault) late = take_fault(sandbox, DM_FAULT_LATE_ANSWER, request);
    if (late)
        dm_faults_sleep(sandbox->faults, came, late->seconds);
    return reply;
}

void dm_api_end(DmSandbox *sandbox, DmRequest *request)
{
    if (request && request->claimed_key)
        dm_store_release(sandbox->store, request->account->name, request->claimed_key);
    dm_request_free(request);
}
