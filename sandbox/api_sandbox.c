#include "sandbox/api_sandbox.h"

#include "common/stamp.h"
#include "sandbox/api_messages.h"
#include "sandbox/compose.h"
#include "sandbox/identification.h"
#include "sandbox/metadata.h"
#include "sandbox/parts.h"
#include "sandbox/retrieval.h"
#include "sandbox/submission.h"

/* The body; or NULL and *reply, the answer instead. */
static json_t *read_json(DmRequest *request, DmReply **reply)
{
    g_autofree char *detail = NULL;
    json_t *json = dm_request_json(request, &detail);
    *reply = json ? NULL : dm_reply_problem(400, "invalid-request", FALSE, "%s", detail);
    return json;
}

/* Submits `draft` for the account that owns the envelope's sender. */
static DmReply *submit(DmSandbox *sandbox, const DmEnvelope *envelope, const GString *draft)
{
    const DmAccount *account = dm_accounts_owner(sandbox->accounts, envelope->sender);
    if (!account)
        return dm_reply_problem(422, "sender-not-yours", FALSE, "no account has the address in \"from\"");
    g_autoptr(GError) problem = NULL;
    g_autofree char *key = dm_stamp_new_id(&problem);
    g_autoptr(DmParts) file = key ? dm_parts_open(sandbox->store, &problem) : NULL;
    DmSlice slice = {0};
    json_t *answer = NULL;
    if (file && dm_parts_add(file, draft->str, draft->len, &slice, &problem) && dm_parts_sync(file, &problem)) {
        const DmSubmission submission = {account, account->high, key, envelope, slice.file};
        answer = dm_submission_run(sandbox, &submission, &problem);
    }
    g_free(slice.file);
    return answer ? dm_reply_json(202, answer) : dm_reply_failure(problem);
}

DmReply *dm_api_sandbox_send(DmSandbox *sandbox, DmRequest *request)
{
    DmReply *reply;
    g_autoptr(json_t) json = read_json(request, &reply);
    if (!json)
        return reply;
    g_autoptr(GError) problem = NULL;
    g_autoptr(GString) draft = NULL;
    g_autoptr(DmEnvelope) envelope = dm_compose(json, &draft, &problem);
    if (!envelope)
        return dm_reply_problem(400, "invalid-request", FALSE, "%s", problem->message);
    return submit(sandbox, envelope, draft);
}

DmReply *dm_api_sandbox_mailbox(DmSandbox *sandbox, DmRequest *request)
{
    const char *address = dm_request_query(request, "address");
    const char *folder_word = dm_request_query(request, "folder");
    const DmAccount *owner = address ? dm_accounts_owner(sandbox->accounts, address) : NULL;
    DmFolder folder;
    if (!owner)
        return dm_reply_problem(404, "unknown-recipient", FALSE, "address must be one of an account");
    if (!dm_folder_parse(folder_word ? folder_word : "inbox", &folder))
        return dm_reply_problem(400, "invalid-request", FALSE, "folder must be inbox or sent");
    gint64 next;
    json_t *entries = dm_store_list(sandbox->store, owner->name, folder, FALSE, 0, G_MAXUINT, 0, &next);
    return dm_reply_json(200, json_pack("{s:o}", "messages", entries));
}

DmReply *dm_api_sandbox_raw(DmSandbox *sandbox, DmRequest *request)
{
    const DmMessage *message = dm_store_find(sandbox->store, NULL, request->id);
    if (!message)
        return dm_reply_problem(404, "unknown-message", FALSE, "there is no such message");
    return dm_api_reply_raw(sandbox, request, message);
}

/* A normal De-Mail's body still lies in the file of its draft, behind the draft's own header. */
DmReply *dm_api_sandbox_draft(DmSandbox *sandbox, DmRequest *request)
{
    const DmMessage *message = dm_store_find(sandbox->store, NULL, request->id);
    if (!message || !g_str_equal(message->type, DM_TYPE_NORMAL))
        return dm_reply_problem(404, "unknown-message", FALSE, "there is no such message that was made of a draft");
    const DmMessage draft = {.header = {message->body.file, 0, message->body.offset}, .body = message->body};
    return dm_api_reply_raw(sandbox, request, &draft);
}

DmReply *dm_api_sandbox_login(DmSandbox *sandbox, DmRequest *request)
{
    DmReply *reply;
    g_autoptr(json_t) json = read_json(request, &reply);
    if (!json)
        return reply;
    const DmAccount *owner = dm_accounts_owner(sandbox->accounts, dm_json_text(json, "address", ""));
    if (!owner)
        return dm_reply_problem(404, "unknown-recipient", FALSE, "\"address\" must be one of an account");
    gboolean high = g_str_equal(dm_json_text(json, "auth_level", owner->high ? "high" : "normal"), "high");
    if (high && !owner->high)
        return dm_reply_problem(422, "invalid-request", FALSE, "this account has no auth level high");
    g_autoptr(GError) problem = NULL;
    if (high && !dm_retrieval_login(sandbox, owner, &problem))
        return dm_reply_failure(problem);
    return dm_reply_new(204);
}

DmReply *dm_api_sandbox_identify(DmSandbox *sandbox, DmRequest *request)
{
    DmReply *reply;
    g_autoptr(json_t) json = read_json(request, &reply);
    if (!json)
        return reply;
    const char *address = dm_json_text(json, "address", "");
    const char *recipient = dm_json_text(json, "recipient", "");
    const DmAccount *owner = dm_accounts_owner(sandbox->accounts, address);
    if (!owner || !owner->high || !dm_accounts_is_demail(sandbox->accounts, recipient))
        return dm_reply_problem(422, "invalid-request", FALSE,
                                "\"address\" must be one of an account with auth level high, \"recipient\" a De-Mail "
                                "address");
    g_autoptr(GError) problem = NULL;
    return dm_identification_send(sandbox, address, recipient, &problem) ? dm_reply_new(204)
                                                                         : dm_reply_failure(problem);
}

DmReply *dm_api_sandbox_seal(DmSandbox *sandbox, DmRequest *request)
{
    DmReply *reply;
    g_autoptr(json_t) json = read_json(request, &reply);
    DmSealAlgorithm algorithm;
    if (!json)
        return reply;
    if (!dm_seal_algorithm_parse(dm_json_text(json, "algorithm", ""), &algorithm))
        return dm_reply_problem(400, "invalid-request", FALSE,
                                "\"algorithm\" must be sha256, sha384 or sha512, then /rsa, /ec-dsa or /rsassa-pss");
    dm_seal_choose(sandbox->seal, algorithm);
    return dm_reply_new(204);
}

DmReply *dm_api_sandbox_fault(DmSandbox *sandbox, DmRequest *request)
{
    DmReply *reply;
    g_autoptr(json_t) json = read_json(request, &reply);
    if (!json)
        return reply;
    if (g_str_equal(dm_json_text(json, "kind", ""), "expire-sessions")) {
        dm_sessions_end_all(sandbox->sessions);
        return dm_reply_new(204);
    }
    const char *wrong = dm_faults_add(sandbox->faults, json);
    return wrong ? dm_reply_problem(400, "invalid-request", FALSE, "%s", wrong) : dm_reply_new(204);
}

DmReply *dm_api_sandbox_clear(DmSandbox *sandbox, DmRequest *request)
{
    (void)request;
    dm_faults_clear(sandbox->faults);
    return dm_reply_new(204);
}

DmReply *dm_api_sandbox_stats(DmSandbox *sandbox, DmRequest *request)
{
    (void)request;
    DmSessionCounts sessions = dm_sessions_counts(sandbox->sessions);
    return dm_reply_json(200, json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:o, s:I}", "connections",
                                        g_atomic_int_get(&sandbox->stats.connections), "tls_handshakes",
                                        g_atomic_int_get(&sandbox->stats.tls_handshakes), "requests",
                                        g_atomic_int_get(&sandbox->stats.requests), "posts",
                                        g_atomic_int_get(&sandbox->stats.posts), "logins", (json_int_t)sessions.logins,
                                        "login_failures", (json_int_t)sessions.failures, "submissions",
                                        dm_store_submissions(sandbox->store), "repeated",
                                        (json_int_t)dm_store_repeated(sandbox->store)));
}
