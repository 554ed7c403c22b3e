#include "sandbox/submission.h"

#include "common/address.h"
#include "common/log.h"
#include "common/stamp.h"
#include "sandbox/delivery.h"
#include "sandbox/draft.h"
#include "sandbox/intent.h"
#include "sandbox/malware.h"
#include "sandbox/rules.h"

typedef struct {
    DmSandbox *sandbox;
    const DmSubmission *submission;
    char *id; /* of the key */
    char *message_id;
    DmDraft *draft; /* NULL if its header can't be read */
    DmIntent intent;
    DmDenial denial;     /* of the draft as a whole; no code: none */
    GPtrArray *results;  /* of DmRecipientResult *, one per recipient of the envelope */
    GPtrArray *fresh;    /* those of them that are new; the others were final before */
    GPtrArray *accepted; /* those of them that are to be delivered now */
    GHashTable *growth;  /* DmAccount * -> gint64 *: bytes that this submission adds */
} Work;

static void work_clear(Work *work)
{
    g_free(work->id);
    g_free(work->message_id);
    dm_draft_free(work->draft);
    dm_intent_clear(&work->intent);
    dm_denial_clear(&work->denial);
    g_ptr_array_unref(work->results);
    g_ptr_array_unref(work->fresh);
    g_ptr_array_unref(work->accepted);
    g_hash_table_unref(work->growth);
}

static void work_init(Work *work, DmSandbox *sandbox, const DmSubmission *submission)
{
    *work = (Work){.sandbox = sandbox, .submission = submission};
    work->results = g_ptr_array_new_with_free_func(dm_recipient_result_free);
    work->fresh = g_ptr_array_new();
    work->accepted = g_ptr_array_new();
    work->growth = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

/* The last check, as it is the dearest. */
static gboolean scan(Work *work, GError **error)
{
    g_autofree char *path =
        g_build_filename(dm_store_data_dir(work->sandbox->store), work->submission->draft_file, NULL);
    gboolean found = FALSE;
    if (!dm_malware_scan(path, &found, error))
        return FALSE;
    if (found)
        dm_deny(&work->denial, "malware", "the draft holds malware");
    return TRUE;
}

/* FALSE only if the system failed; what is wrong with the draft becomes `denial`. */
static gboolean read_draft(Work *work, GError **error)
{
    const DmSubmission *s = work->submission;
    const DmAccounts *accounts = work->sandbox->accounts;
    g_autoptr(GError) problem = NULL;
    work->draft = dm_draft_read(dm_store_data_dir(work->sandbox->store), s->draft_file,
                                dm_seal_chosen(work->sandbox->seal), &problem);
    if (!work->draft && !g_error_matches(problem, DM_ERROR, DM_ERROR_PERMANENT)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (!work->draft)
        dm_deny(&work->denial, "invalid-format", "%s", problem->message);
    else if (dm_intent_read(&work->intent, work->draft->headers, s->envelope, accounts, &work->denial))
        dm_rules_draft(accounts, s->account, s->high, &work->intent, work->draft, &work->denial);
    return work->denial.code || scan(work, error);
}

static gboolean check_room(Work *work, const DmAccount *owner, DmDenial *denial)
{
    gint64 *growth = g_hash_table_lookup(work->growth, owner);
    if (!growth) {
        growth = g_new0(gint64, 1);
        g_hash_table_insert(work->growth, (gpointer)owner, growth);
    }
    gint64 used = dm_store_used(work->sandbox->store, owner->name) + *growth;
    if (!dm_rules_room(owner, used, work->draft->size, denial))
        return FALSE;
    *growth += work->draft->size;
    return TRUE;
}

static gboolean check_recipient(Work *work, const char *recipient, DmDenial *denial)
{
    const DmAccount *account = work->submission->account;
    const DmAccount *owner = NULL;
    g_autoptr(DmFault) fault = dm_faults_take_for(work->sandbox->faults, DM_FAULT_DENY, recipient);
    if (fault)
        return fault->retryable ? dm_defer(denial, fault->code, "ordered by a test")
                                : dm_deny(denial, fault->code, "ordered by a test");
    if (work->denial.code)
        return dm_deny(denial, work->denial.code, "%s", work->denial.detail);
    gint64 sent = dm_store_sent_today(work->sandbox->store, account->name) + work->accepted->len;
    return dm_rules_recipient(work->sandbox->accounts, recipient, &owner, denial) &&
           dm_rules_daily(account, work->submission->high, sent, denial) && (!owner || check_room(work, owner, denial));
}

static void judge(Work *work, const char *recipient)
{
    g_auto(DmDenial) denial = {0};
    DmRecipientResult *result;
    if (check_recipient(work, recipient, &denial)) {
        result = dm_recipient_result_new(recipient, DM_STATUS_ACCEPTED, "", "");
        g_ptr_array_add(work->accepted, result->address);
    } else {
        result = dm_recipient_result_new(recipient, denial.retryable ? DM_STATUS_DEFERRED : DM_STATUS_REFUSED,
                                         denial.code, denial.detail);
    }
    g_ptr_array_add(work->results, result);
    g_ptr_array_add(work->fresh, result);
}

/* The ids that the key has had since its first submission, or new ones. */
static gboolean take_ids(Work *work, GError **error)
{
    const DmSubmission *s = work->submission;
    dm_store_ids(work->sandbox->store, s->account->name, s->key, &work->id, &work->message_id);
    if (work->id)
        return TRUE;
    work->id = dm_stamp_new_id(error);
    if (!work->id)
        return FALSE;
    work->message_id = g_strdup_printf("%s@%s", work->id, s->account->provider);
    return TRUE;
}

static gboolean deliver(Work *work, GError **error)
{
    const DmSubmission *s = work->submission;
    DmCommit commit = {.account = s->account->name,
                       .key = s->key,
                       .id = work->id,
                       .message_id = work->message_id,
                       .results = work->fresh,
                       .repeated = work->results->len - work->fresh->len};
    if (work->accepted->len == 0) {
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        commit.messages = none;
        return dm_store_commit(work->sandbox->store, &commit, error);
    }
    const DmDelivery delivery = {.sandbox = work->sandbox,
                                 .account = s->account,
                                 .high = s->high,
                                 .id = work->id,
                                 .message_id = work->message_id,
                                 .draft = work->draft,
                                 .intent = &work->intent,
                                 .recipients = work->accepted};
    return dm_delivery_run(&delivery, &commit, error);
}

static json_t *answer(const Work *work)
{
    json_t *recipients = json_array();
    for (guint i = 0; i < work->results->len; i++)
        json_array_append_new(recipients, dm_recipient_result_to_json(g_ptr_array_index(work->results, i)));
    return json_pack("{s:s, s:s, s:o}", "id", work->id, "message_id", work->message_id, "recipients", recipients);
}

static gboolean run(Work *work, GError **error)
{
    const DmSubmission *s = work->submission;
    char *const *recipients = s->envelope->recipients;
    if (!take_ids(work, error))
        return FALSE;
    for (gsize i = 0; recipients[i]; i++) {
        DmRecipientResult *final = dm_store_final(work->sandbox->store, s->account->name, s->key, recipients[i]);
        if (final) {
            g_ptr_array_add(work->results, final);
            continue;
        }
        if (!work->draft && !work->denial.code && !read_draft(work, error))
            return FALSE;
        judge(work, recipients[i]);
    }
    if (!deliver(work, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "submission", DM_S("account", s->account->name), DM_S("id", work->id),
           DM_N("recipients", work->results->len), DM_N("accepted", work->accepted->len),
           DM_N("repeated", work->results->len - work->fresh->len));
    return TRUE;
}

json_t *dm_submission_run(DmSandbox *sandbox, const DmSubmission *submission, GError **error)
{
    Work work;
    work_init(&work, sandbox, submission);
    json_t *json = run(&work, error) ? answer(&work) : NULL;
    work_clear(&work);
    return json;
}
