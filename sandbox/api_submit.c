#include "sandbox/api_submit.h"

#include "sandbox/submission.h"

#include <string.h>

#define KEY_MAX            255
#define MULTIPART          "multipart/form-data"
#define MULTIPART_OVERHEAD (DM_ENVELOPE_MAX + 65536U)

static gboolean is_key(const char *key)
{
    gsize length = key ? strlen(key) : 0;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(key[i]))
            return FALSE;
    }
    return length > 0 && length <= KEY_MAX;
}

DmReply *dm_api_submit_prepare(DmSandbox *sandbox, DmRequest *request)
{
    const DmAccount *account = request->account;
    const char *key = dm_request_header(request, "idempotency-key");
    const char *content_type = dm_request_header(request, "content-type");
    const char *content_length = dm_request_header(request, "content-length");
    if (!is_key(key))
        return dm_reply_problem(400, "invalid-request", FALSE, "Idempotency-Key: 1 to %d printable characters",
                                KEY_MAX);
    if (!content_type || g_ascii_strncasecmp(content_type, MULTIPART, strlen(MULTIPART)) != 0)
        return dm_reply_problem(415, "invalid-request", FALSE, "Content-Type must be " MULTIPART);
    guint64 length = content_length ? g_ascii_strtoull(content_length, NULL, 10) : 0;
    if (length > (guint64)account->message_size + MULTIPART_OVERHEAD)
        return dm_reply_problem(413, "too-large", FALSE, "the limit for a message is %" G_GINT64_FORMAT " bytes",
                                account->message_size);
    if (!dm_store_claim(sandbox->store, account->name, key))
        return dm_reply_problem(409, "in-progress", TRUE, "a submission with this key is running");
    request->claimed_key = g_strdup(key);
    request->upload = dm_upload_new(sandbox->store, account->message_size, account->name, request->claimed_key);
    return NULL;
}

static DmReply *reply_upload_problem(const DmRequest *request, const GError *problem)
{
    if (!g_error_matches(problem, DM_ERROR, DM_ERROR_PERMANENT))
        return dm_reply_failure(problem);
    if (dm_upload_is_too_large(request->upload))
        return dm_reply_problem(413, "too-large", FALSE, "%s", problem->message);
    return dm_reply_problem(400, "invalid-request", FALSE, "%s", problem->message);
}

DmReply *dm_api_submit(DmSandbox *sandbox, DmRequest *request)
{
    const DmAccount *account = request->account;
    g_autoptr(GError) problem = NULL;
    const char *draft_file = NULL;
    g_atomic_int_inc(&sandbox->stats.posts);
    const DmEnvelope *envelope = dm_upload_finish(request->upload, &draft_file, &problem);
    if (!envelope)
        return reply_upload_problem(request, problem);
    guint recipients = g_strv_length(envelope->recipients);
    if (recipients > account->recipients)
        return dm_reply_problem(413, "too-large", FALSE,
                                "%u recipients; the limit for a submission is %" G_GINT64_FORMAT, recipients,
                                account->recipients);

    const DmSubmission submission = {account, account->high, request->claimed_key, envelope, draft_file};
    json_t *answer = dm_submission_run(sandbox, &submission, &problem);
    return answer ? dm_reply_json(202, answer) : dm_reply_failure(problem);
}
