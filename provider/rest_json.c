#include "provider/rest_json.h"

#include <jansson.h>
#include <string.h>

#define PROBLEM_PREFIX "urn:demail:problem:"
#define DETAIL_MAX     300
#define RECIPIENTS_MAX 100000 /* of one entry */

static const char *const refusals[] = {"unknown-recipient",
                                       "closed-account",
                                       "blocked-account",
                                       "invalid-format",
                                       "sender-not-yours",
                                       "option-needs-high",
                                       "authoritative-with-pseudonym",
                                       "recipient-not-demail",
                                       "too-large",
                                       "malware",
                                       "retrieve-not-permitted",
                                       "service-ended"};

/* The provider's words as they may stand in a log or a reply: one line, bounded. */
static char *one_line(const char *text)
{
    GString *line = g_string_new(NULL);
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    for (const char *p = valid; *p != '\0' && line->len < DETAIL_MAX; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(line, g_unichar_isprint(c) ? c : ' ');
    }
    g_strstrip(line->str);
    return g_string_free(line, FALSE);
}

static char *copy_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return g_strdup(text ? text : "");
}

static char *copy_line(const json_t *object, const char *key)
{
    return one_line(json_string_value(json_object_get(object, key)));
}

static gint64 number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_t *load(const char *text, gsize length, const char *what, GError **error)
{
    json_error_t problem;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);

    if (json_is_object(root))
        return root;
    json_decref(root);
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the provider's answer (%s) is not the JSON that the API promises",
                what);
    return NULL;
}

static gboolean lacks(const char *what, const char *member, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the provider's answer (%s) has no usable \"%s\"", what, member);
    return FALSE;
}

void dm_problem_parse(long status, const char *text, gsize length, DmProblem *problem)
{
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(root, "type"));

    *problem = (DmProblem){.retryable = TRUE, .attempts_left = -1};
    if (type && g_str_has_prefix(type, PROBLEM_PREFIX)) {
        const json_t *attempts = json_object_get(root, "attempts_left");

        problem->code = one_line(type + strlen(PROBLEM_PREFIX));
        problem->detail = copy_line(root, "detail");
        problem->retryable = json_is_true(json_object_get(root, "retryable"));
        if (json_is_integer(attempts))
            problem->attempts_left = json_integer_value(attempts);
    } else {
        problem->code = g_strdup_printf("http-%ld", status);
        problem->detail = g_strdup("");
    }
    json_decref(root);
}

void dm_problem_clear(DmProblem *problem)
{
    g_clear_pointer(&problem->code, g_free);
    g_clear_pointer(&problem->detail, g_free);
}

gboolean dm_problem_is_refusal(const DmProblem *problem)
{
    if (problem->retryable)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        if (g_str_equal(problem->code, refusals[i]))
            return TRUE;
    }
    return FALSE;
}

/* Jansson's memory and ours go through different allocators. */
static char *dump(json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    char *copy = g_strdup(text);

    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return copy;
}

char *dm_rest_session_request(const char *account, const char *password)
{
    json_t *root = json_pack("{s:s, s:s}", "account", account, "password", password);
    char *text = root ? dump(root) : NULL;
    json_t *secret = json_object_get(root, "password");

    if (secret)
        explicit_bzero((char *)json_string_value(secret), json_string_length(secret));
    json_decref(root);
    return text;
}

gboolean dm_rest_session_parse(const char *text, gsize length, DmRestSession *session, GError **error)
{
    json_t *root = load(text, length, "session", error);
    const char *token = json_string_value(json_object_get(root, "token"));
    gboolean ok = token && token[0] != '\0' && strpbrk(token, "\r\n") == NULL;

    *session = (DmRestSession){0};
    if (ok) {
        session->token = g_strdup(token);
        session->expires_in = number(root, "expires_in");
    } else if (root) {
        lacks("session", "token", error);
    }
    json_decref(root);
    return ok;
}

char *dm_rest_envelope(const DmSubmission *submission)
{
    json_t *recipients = json_array();
    json_t *root;
    char *text;

    for (char *const *recipient = submission->recipients; *recipient; recipient++)
        json_array_append_new(recipients, json_string(*recipient));
    root = json_pack("{s:s, s:o, s:s}", "sender", submission->sender, "recipients", recipients, "private_id",
                     submission->private_id);
    text = root ? dump(root) : NULL;
    json_decref(root);
    return text;
}

static DmResultKind result_kind(const char *status)
{
    static const struct {
        const char *word;
        DmResultKind kind;
    } kinds[] = {{"accepted", DM_RESULT_ACCEPTED},
                 {"refused", DM_RESULT_REFUSED},
                 {"deferred", DM_RESULT_DEFERRED},
                 {"in-progress", DM_RESULT_IN_PROGRESS}};

    for (gsize i = 0; status && i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(status, kinds[i].word))
            return kinds[i].kind;
    }
    return DM_RESULT_UNKNOWN;
}

DmOutcome *dm_rest_outcome_parse(const char *text, gsize length, GError **error)
{
    json_t *root = load(text, length, "submission", error);
    const json_t *recipients = json_object_get(root, "recipients");
    const json_t *item;
    size_t i;

    if (!json_is_array(recipients)) {
        if (root)
            lacks("submission", "recipients", error);
        json_decref(root);
        return NULL;
    }

    DmOutcome *outcome = dm_outcome_new();

    g_free(outcome->id);
    outcome->id = copy_line(root, "id");
    json_array_foreach(recipients, i, item)
    {
        const char *address = json_string_value(json_object_get(item, "address"));
        g_autofree char *code = copy_line(item, "code");
        g_autofree char *detail = copy_line(item, "detail");

        if (!address || dm_outcome_find(outcome, address)) {
            lacks("submission", "address", error);
            g_clear_pointer(&outcome, dm_outcome_free);
            break;
        }
        dm_outcome_add(outcome, address, result_kind(json_string_value(json_object_get(item, "status"))), code, detail);
    }
    json_decref(root);
    return outcome;
}

/* RFC 3339; a time without a zone is nobody's. */
static gint64 time_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;

    return time ? MAX(g_date_time_to_unix(time), 0) : 0;
}

static DmEntry *read_entry(const json_t *item)
{
    const char *id = json_string_value(json_object_get(item, "id"));
    const json_t *recipients = json_object_get(item, "recipients");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    DmEntry *entry;

    if (!id || id[0] == '\0')
        return NULL;
    for (size_t i = 0; i < json_array_size(recipients) && i < RECIPIENTS_MAX; i++) {
        const char *address = json_string_value(json_array_get(recipients, i));

        if (address)
            g_strv_builder_add(builder, address);
    }
    entry = g_new0(DmEntry, 1);
    entry->id = g_strdup(id);
    entry->type = copy_line(item, "type");
    entry->private_id = copy_string(item, "private_id");
    entry->recipients = g_strv_builder_end(builder);
    entry->size = MAX(number(item, "size"), 0);
    entry->received = time_of(item, "received");
    return entry;
}

gboolean dm_rest_entries_parse(const char *text, gsize length, GPtrArray *entries, char **cursor, GError **error)
{
    json_t *root = load(text, length, "list of messages", error);
    const json_t *messages = json_object_get(root, "messages");
    const char *next = json_string_value(json_object_get(root, "cursor"));
    gboolean ok = json_is_array(messages);

    *cursor = NULL;
    for (size_t i = 0; ok && i < json_array_size(messages); i++) {
        DmEntry *entry = read_entry(json_array_get(messages, i));

        if (entry)
            g_ptr_array_add(entries, entry);
        else
            ok = FALSE;
    }
    if (ok)
        *cursor = g_strdup(next);
    else if (root)
        lacks("list of messages", "messages", error);
    json_decref(root);
    return ok;
}

/* An ISO 8601 time with its zone; 0 if there is none. */
static gint64 read_time(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;

    return time ? g_date_time_to_unix(time) : 0;
}

gboolean dm_rest_account_parse(const char *text, gsize length, DmAccount *account, GError **error)
{
    json_t *root = load(text, length, "account", error);
    const json_t *limits = json_object_get(root, "limits");

    *account = (DmAccount){0};
    if (!root)
        return FALSE;
    account->message_size_max = number(limits, "message_size");
    account->recipients_max = number(limits, "recipients");
    account->quota_used = number(json_object_get(root, "quota"), "used");
    account->quota_total = number(json_object_get(root, "quota"), "total");
    account->password_expires = read_time(root, "password_expires");
    json_decref(root);
    return TRUE;
}
