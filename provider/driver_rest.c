#include "provider/driver_rest.h"

#include "common/secret.h"
#include "common/write.h"
#include "provider/rest_http.h"
#include "provider/rest_json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SESSION_MARGIN  30 /* seconds before its end in which a session counts as expired */
#define SESSION_DEFAULT 300
#define CLOSE_SECONDS   5
#define PAGE            500U
#define BROWSE_PAGE     100U
#define BROWSE_MAX      ((gsize)32 * 1024 * 1024)    /* bytes of a page: what was sent may have 10000 recipients */
#define FETCH_MAX       ((gint64)1024 * 1024 * 1024) /* bytes of a message: not to fill the disk of state_dir */
#define FETCH_SECONDS   3600                         /* nor to occupy a mailbox for ever, in drops */
#define PAUSE_MAX       3600                         /* seconds; a longer Retry-After is cut */

struct DmProvider {
    DmHttp *http;
    char *name;
    char *account;
    char *password_file;
    gint64 timeout; /* seconds, of calls that carry no message */
    GMutex lock;    /* guards what follows; held while logging in, so that there is one login for all who wait */
    char *token;
    gint64 token_end; /* monotonic microseconds */
    gint64 pause_end; /* monotonic microseconds */
    char *pause_text; /* when that is, in the words of people */
    GError *refused;  /* the provider refused the login */
};

static void forget_token(DmProvider *provider)
{
    g_clear_pointer(&provider->token, dm_secret_forget);
}

static DmProvider *rest_open(const DmProviderConfig *config, const char *account, GError **error)
{
    DmProvider *provider;

    if (!g_str_has_prefix(config->url, "https://")) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "[provider %s] url: %s does not begin with https://",
                    config->name, config->url);
        return NULL;
    }
    provider = g_new0(DmProvider, 1);
    provider->http = dm_http_new(config);
    provider->name = g_strdup(config->name);
    provider->account = g_strdup(account);
    provider->password_file = g_strdup(config->password_file);
    provider->timeout = config->timeout;
    g_mutex_init(&provider->lock);
    return provider;
}

static void rest_close(DmProvider *provider)
{
    if (!provider)
        return;
    if (provider->token) {
        DmHttpRequest request = {
            .method = "DELETE", .path = "/session", .token = provider->token, .timeout = CLOSE_SECONDS};
        DmHttpAnswer answer;

        /* A courtesy: the session ends by itself. */
        (void)dm_http_perform(provider->http, &request, &answer, NULL);
        dm_http_answer_clear(&answer);
    }
    forget_token(provider);
    dm_http_free(provider->http);
    g_clear_error(&provider->refused);
    g_mutex_clear(&provider->lock);
    g_free(provider->name);
    g_free(provider->account);
    g_free(provider->password_file);
    g_free(provider->pause_text);
    g_free(provider);
}

/* With the lock held. */
static gboolean pausing(const DmProvider *provider, GError **error)
{
    if (g_get_monotonic_time() >= provider->pause_end)
        return FALSE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "provider %s asked for a pause until %s", provider->name,
                provider->pause_text);
    return TRUE;
}

/* With the lock held. */
static void note_pause(DmProvider *provider, const DmHttpAnswer *answer)
{
    gint64 seconds = MIN(answer->retry_after, PAUSE_MAX);

    if ((answer->status != 429 && answer->status != 503) || seconds <= 0)
        return;

    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autoptr(GDateTime) end = g_date_time_add_seconds(now, (double)seconds);

    provider->pause_end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    g_free(provider->pause_text);
    provider->pause_text = g_date_time_format(end, "%F %T UTC");
}

static void set_problem(const DmProvider *provider, long status, const DmProblem *problem, GError **error)
{
    DmError code = dm_problem_is_refusal(problem) ? DM_ERROR_PERMANENT : DM_ERROR_TEMPORARY;

    g_set_error(error, DM_ERROR, code, "provider %s answered %ld %s%s%s", provider->name, status, problem->code,
                problem->detail[0] != '\0' ? ": " : "", problem->detail);
}

static void set_error_from_answer(const DmProvider *provider, const DmHttpAnswer *answer, GError **error)
{
    DmProblem problem;

    dm_problem_parse(answer->status, answer->body->str, answer->body->len, &problem);
    set_problem(provider, answer->status, &problem, error);
    dm_problem_clear(&problem);
}

/* Tells whether the answer to a login means that nobody may try again with this password. */
static gboolean is_refused_login(const DmHttpAnswer *answer, const DmProblem *problem)
{
    return answer->status == 401 || answer->status == 403 || (answer->status / 100 == 4 && !problem->retryable);
}

static void refuse_login(DmProvider *provider, const DmHttpAnswer *answer, GError **error)
{
    DmProblem problem;
    g_autofree char *attempts = NULL;

    dm_problem_parse(answer->status, answer->body->str, answer->body->len, &problem);
    if (!is_refused_login(answer, &problem)) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "provider %s answered the login with %ld %s", provider->name,
                    answer->status, problem.code);
        dm_problem_clear(&problem);
        return;
    }
    if (problem.attempts_left >= 0)
        attempts = g_strdup_printf(", %" G_GINT64_FORMAT " attempts left", problem.attempts_left);
    g_set_error(&provider->refused, DM_ERROR, DM_ERROR_UNAVAILABLE,
                "provider %s refused the login of %s: %s%s; not tried again by itself, check account, password_file "
                "and client_cert, then reload",
                provider->name, provider->account, problem.code, attempts ? attempts : "");
    g_propagate_error(error, g_error_copy(provider->refused));
    dm_problem_clear(&problem);
}

static gboolean take_session(DmProvider *provider, const DmHttpAnswer *answer, GError **error)
{
    DmRestSession session;

    if (!dm_rest_session_parse(answer->body->str, answer->body->len, &session, error))
        return FALSE;

    gint64 seconds = session.expires_in > 0 ? session.expires_in : SESSION_DEFAULT;

    provider->token = session.token;
    provider->token_end = g_get_monotonic_time() + MAX(seconds - SESSION_MARGIN, seconds / 2) * G_USEC_PER_SEC;
    return TRUE;
}

/* The body of a login; holds the password. */
static char *make_login(const DmProvider *provider, GError **error)
{
    g_autoptr(GError) problem = NULL;
    gsize length;
    char *password = dm_secret_read(provider->password_file, "password_file", &length, &problem);
    char *body;

    if (!password) {
        g_set_error_literal(error, DM_ERROR, DM_ERROR_UNAVAILABLE, problem->message);
        return NULL;
    }
    body = dm_rest_session_request(provider->account, password);
    dm_secret_free(password, length);
    if (!body)
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "password_file %s: the password is not UTF-8",
                    provider->password_file);
    return body;
}

/* With the lock held. */
static gboolean log_in(DmProvider *provider, GError **error)
{
    char *body = make_login(provider, error);
    DmHttpAnswer answer;
    gboolean ok;

    if (!body)
        return FALSE;

    DmHttpRequest request = {.method = "POST", .path = "/session", .json = body, .timeout = provider->timeout};

    ok = dm_http_perform(provider->http, &request, &answer, error);
    dm_secret_free(body, strlen(body));
    if (ok && answer.status == 201) {
        ok = take_session(provider, &answer, error);
    } else if (ok) {
        note_pause(provider, &answer);
        refuse_login(provider, &answer, error);
        ok = FALSE;
    }
    dm_http_answer_clear(&answer);
    return ok;
}

/* A copy of the session's token, after a login if there is none. */
static DmSecret *get_token(DmProvider *provider, GError **error)
{
    char *token = NULL;

    g_mutex_lock(&provider->lock);
    if (provider->token && g_get_monotonic_time() >= provider->token_end)
        forget_token(provider);
    if (provider->refused)
        g_propagate_error(error, g_error_copy(provider->refused));
    else if (!pausing(provider, error) && (provider->token || log_in(provider, error)))
        token = g_strdup(provider->token);
    g_mutex_unlock(&provider->lock);
    return token;
}

/* The provider does not know the session of `token` any more. Somebody may have logged in anew already. */
static void drop_session(DmProvider *provider, const char *token)
{
    g_mutex_lock(&provider->lock);
    if (g_strcmp0(provider->token, token) == 0)
        forget_token(provider);
    g_mutex_unlock(&provider->lock);
}

/* Performs a request within a session. */
static gboolean call_once(DmProvider *provider, DmHttpRequest *request, gboolean *expired, DmHttpAnswer *answer,
                          GError **error)
{
    g_autoptr(DmSecret) token = get_token(provider, error);
    gboolean ok;

    *answer = (DmHttpAnswer){0};
    *expired = FALSE;
    if (!token)
        return FALSE;
    request->token = token;
    ok = dm_http_perform(provider->http, request, answer, error);
    request->token = NULL;
    if (ok && answer->status == 401) {
        *expired = TRUE;
        drop_session(provider, token);
    }
    if (ok) {
        g_mutex_lock(&provider->lock);
        note_pause(provider, answer);
        g_mutex_unlock(&provider->lock);
    }
    return ok;
}

/* The same; a 401 leads to a new login and one more try, unless the message was read and can't be sent again. */
static gboolean call(DmProvider *provider, DmHttpRequest *request, DmHttpAnswer *answer, GError **error)
{
    gboolean expired;
    gboolean ok = call_once(provider, request, &expired, answer, error);

    if (!expired || answer->begun)
        return ok;
    dm_http_answer_clear(answer);
    return call_once(provider, request, &expired, answer, error);
}

/* A call whose answer must have `status`. */
static gboolean call_expecting(DmProvider *provider, DmHttpRequest *request, long status, DmHttpAnswer *answer,
                               GError **error)
{
    if (!call(provider, request, answer, error))
        return FALSE;
    if (answer->status == status)
        return TRUE;
    set_error_from_answer(provider, answer, error);
    return FALSE;
}

static gboolean rest_login(DmProvider *provider, GError **error)
{
    g_autoptr(DmSecret) token = get_token(provider, error);

    return token != NULL;
}

static gboolean rest_refused(DmProvider *provider)
{
    gboolean refused;

    g_mutex_lock(&provider->lock);
    refused = provider->refused != NULL;
    g_mutex_unlock(&provider->lock);
    return refused;
}

/* A refusal of the whole message as a result for each of its recipients. */
static DmOutcome *refuse_all(const DmSubmission *submission, const DmProblem *problem)
{
    DmOutcome *outcome = dm_outcome_new();

    for (char *const *recipient = submission->recipients; *recipient; recipient++)
        dm_outcome_add(outcome, *recipient, DM_RESULT_REFUSED, problem->code, problem->detail);
    return outcome;
}

static gboolean read_submission(DmProvider *provider, const DmSubmission *submission, const DmHttpAnswer *answer,
                                DmOutcome **outcome, gboolean *unsure, GError **error)
{
    DmProblem problem;

    if (answer->status == 202) {
        *outcome = dm_rest_outcome_parse(answer->body->str, answer->body->len, error);
        *unsure = *outcome == NULL;
        return *outcome != NULL;
    }
    dm_problem_parse(answer->status, answer->body->str, answer->body->len, &problem);
    if (answer->status / 100 == 4 && dm_problem_is_refusal(&problem)) {
        *outcome = refuse_all(submission, &problem);
    } else {
        /* 409: another request with the key still runs. Any other may be a proxy's, with the message behind it. */
        *unsure = answer->status == 409 || answer->begun;
        set_problem(provider, answer->status, &problem, error);
    }
    dm_problem_clear(&problem);
    return *outcome != NULL;
}

static gboolean rest_submit(DmProvider *provider, const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                            GError **error)
{
    g_autofree char *envelope = dm_rest_envelope(submission);
    DmHttpRequest request = {.method = "POST", .path = "/messages", .submission = submission, .envelope = envelope};
    DmHttpAnswer answer;
    gboolean ok;

    *outcome = NULL;
    *unsure = FALSE;
    if (!envelope) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the envelope is not UTF-8");
        return FALSE;
    }
    if (call(provider, &request, &answer, error)) {
        ok = read_submission(provider, submission, &answer, outcome, unsure, error);
    } else {
        *unsure = answer.begun;
        ok = FALSE;
    }
    dm_http_answer_clear(&answer);
    return ok;
}

/* 410 `key-forgotten` says it; 501 comes from a provider whose API has no such call. */
static DmFate fate_of(const DmHttpAnswer *answer, const DmProblem *problem)
{
    if (answer->status == 404 && g_str_equal(problem->code, "unknown-key"))
        return DM_FATE_NEVER_SEEN;
    return answer->status == 410 || answer->status == 501 ? DM_FATE_UNTOLD : DM_FATE_TOLD;
}

/* A key that the provider knows has recipients. */
static DmOutcome *parse_fates(const DmProvider *provider, const DmHttpAnswer *answer, GError **error)
{
    g_autoptr(DmOutcome) outcome = dm_rest_outcome_parse(answer->body->str, answer->body->len, error);

    if (outcome && outcome->results->len == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "provider %s knows the key, but names no recipient",
                    provider->name);
        return NULL;
    }
    return g_steal_pointer(&outcome);
}

static gboolean rest_status(DmProvider *provider, const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    g_autofree char *escaped = g_uri_escape_string(key, NULL, FALSE);
    g_autofree char *path = g_strdup_printf("/messages?key=%s", escaped);
    DmHttpRequest request = {.method = "GET", .path = path, .timeout = provider->timeout};
    DmHttpAnswer answer;
    gboolean ok = FALSE;

    *outcome = NULL;
    if (call(provider, &request, &answer, error)) {
        DmProblem problem;

        dm_problem_parse(answer.status, answer.body->str, answer.body->len, &problem);
        *fate = fate_of(&answer, &problem);
        if (answer.status == 200)
            *outcome = parse_fates(provider, &answer, error);
        else if (*fate == DM_FATE_TOLD)
            set_problem(provider, answer.status, &problem, error);
        ok = *outcome || *fate != DM_FATE_TOLD;
        dm_problem_clear(&problem);
    }
    dm_http_answer_clear(&answer);
    return ok;
}

static gboolean list_page(DmProvider *provider, guint limit, GPtrArray *entries, char **cursor, GError **error)
{
    g_autofree char *escaped = *cursor ? g_uri_escape_string(*cursor, NULL, FALSE) : NULL;
    g_autofree char *path = g_strdup_printf("/messages?folder=inbox&state=new&limit=%u%s%s", MIN(limit, PAGE),
                                            escaped ? "&cursor=" : "", escaped ? escaped : "");
    DmHttpRequest request = {.method = "GET", .path = path, .timeout = provider->timeout};
    DmHttpAnswer answer;
    gboolean ok = call_expecting(provider, &request, 200, &answer, error);

    g_clear_pointer(cursor, g_free);
    ok = ok && dm_rest_entries_parse(answer.body->str, answer.body->len, entries, cursor, error);
    dm_http_answer_clear(&answer);
    return ok;
}

static void entry_free(gpointer entry)
{
    dm_entry_free(entry);
}

static gboolean rest_list(DmProvider *provider, guint limit, GPtrArray **entries, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(entry_free);
    g_autofree char *cursor = NULL;
    guint before;

    do {
        before = found->len;
        if (!list_page(provider, limit - before, found, &cursor, error))
            return FALSE;
    } while (cursor && found->len > before && found->len < limit);
    *entries = g_steal_pointer(&found);
    return TRUE;
}

static gboolean rest_browse(DmProvider *provider, const char *folder, char **cursor, GPtrArray **entries,
                            GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(entry_free);
    g_autofree char *escaped = *cursor ? g_uri_escape_string(*cursor, NULL, FALSE) : NULL;
    g_autofree char *path = g_strdup_printf("/messages?folder=%s&state=all&limit=%u%s%s", folder, BROWSE_PAGE,
                                            escaped ? "&cursor=" : "", escaped ? escaped : "");
    DmHttpRequest request = {.method = "GET", .path = path, .answer_max = BROWSE_MAX, .timeout = 2 * provider->timeout};
    g_autofree char *next = NULL;
    DmHttpAnswer answer;
    gboolean ok = call_expecting(provider, &request, 200, &answer, error) &&
                  dm_rest_entries_parse(answer.body->str, answer.body->len, found, &next, error);

    dm_http_answer_clear(&answer);
    if (!ok)
        return FALSE;
    g_free(*cursor);
    *cursor = g_steal_pointer(&next);
    *entries = g_steal_pointer(&found);
    return TRUE;
}

/* Where a message goes while it is fetched. */
typedef struct {
    int fd;
    GChecksum *checksum;
    gint64 length;
    int problem; /* errno of what could not be written, or 0 */
} Download;

static gboolean download(const void *data, gsize length, gpointer sink_data)
{
    Download *target = sink_data;

    target->length += (gint64)length;
    if (target->length > FETCH_MAX)
        return FALSE;
    g_checksum_update(target->checksum, data, (gssize)length);
    /* Not by a GUnixOutputStream, which ends the program where there is no file descriptor left for its epoll. */
    if (dm_write_all(target->fd, data, length))
        return TRUE;
    target->problem = errno;
    return FALSE;
}

static gboolean digest_matches(GChecksum *checksum, const char *digest)
{
    guint8 hash[32];
    gsize length = sizeof hash;
    g_autofree char *base64 = NULL;
    g_autofree char *expected = NULL;

    g_checksum_get_digest(checksum, hash, &length);
    base64 = g_base64_encode(hash, length);
    expected = g_strdup_printf("sha-256=:%s:", base64);
    return digest && strstr(digest, expected) != NULL;
}

static gboolean is_gone(const DmHttpAnswer *answer)
{
    DmProblem problem;
    gboolean gone = answer->status == 404 || answer->status == 410;

    if (!gone)
        return FALSE;
    /* A proxy's 404 says nothing. */
    dm_problem_parse(answer->status, answer->body->str, answer->body->len, &problem);
    gone = g_str_equal(problem.code, "unknown-message");
    dm_problem_clear(&problem);
    return gone;
}

static void set_fetch_error(const char *id, const Download *target, const DmHttpAnswer *answer, GError *problem,
                            GError **error)
{
    if (target->problem != 0)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "message %s could not be stored: %s", id,
                    g_strerror(target->problem));
    else if (target->length > FETCH_MAX)
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "message %s is longer than %" G_GINT64_FORMAT " bytes", id,
                    FETCH_MAX);
    else if (is_gone(answer))
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "the provider does not have message %s any more", id);
    else
        g_propagate_error(error, g_error_copy(problem));
}

static gboolean rest_fetch(DmProvider *provider, const char *id, int fd, GError **error)
{
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *path = g_strdup_printf("/messages/%s/raw", escaped);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    Download target = {fd, checksum, 0, 0};
    DmHttpRequest request = {
        .method = "GET", .path = path, .sink = download, .sink_data = &target, .timeout = FETCH_SECONDS};
    DmHttpAnswer answer;
    g_autoptr(GError) problem = NULL;
    gboolean ok = call_expecting(provider, &request, 200, &answer, &problem);

    if (!ok)
        set_fetch_error(id, &target, &answer, problem, error);
    if (ok && !digest_matches(checksum, answer.digest)) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "message %s does not have the SHA-256 in its Repr-Digest", id);
        ok = FALSE;
    }
    dm_http_answer_clear(&answer);
    return ok;
}

static gboolean rest_ack(DmProvider *provider, const char *id, GError **error)
{
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *path = g_strdup_printf("/messages/%s/ack", escaped);
    DmHttpRequest request = {.method = "POST", .path = path, .timeout = provider->timeout};
    DmHttpAnswer answer;
    gboolean ok = call_expecting(provider, &request, 204, &answer, error);

    dm_http_answer_clear(&answer);
    return ok;
}

static gboolean rest_account(DmProvider *provider, DmAccount *account, GError **error)
{
    DmHttpRequest request = {.method = "GET", .path = "/account", .timeout = provider->timeout};
    DmHttpAnswer answer;
    gboolean ok = call_expecting(provider, &request, 200, &answer, error) &&
                  dm_rest_account_parse(answer.body->str, answer.body->len, account, error);

    dm_http_answer_clear(&answer);
    return ok;
}

const DmProviderDriver dm_driver_rest = {
    .name = "rest",
    .open = rest_open,
    .close = rest_close,
    .login = rest_login,
    .refused = rest_refused,
    .submit = rest_submit,
    .status = rest_status,
    .list = rest_list,
    .browse = rest_browse,
    .fetch = rest_fetch,
    .ack = rest_ack,
    .account = rest_account,
};
