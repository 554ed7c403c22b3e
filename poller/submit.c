#include "poller/submit.h"

#include "common/header.h"
#include "common/log.h"
#include "poller/evidence.h"
#include "poller/fate.h"
#include "poller/reply.h"
#include "poller/tally.h"

#include <string.h>

/* Together with the driver's connect they stay below the time that an MTA waits for its data to be taken
 * (Postfix: lmtp_data_xfer_timeout, 180 s). */
#define SAME_ID_SECONDS   60U
#define FREE_SLOT_SECONDS 30U
/* Where it lies and what is wrong with it is for the log. */

struct DmSubmitter {
    DmJournal *journal;
    GMutex lock;
    GCond released;
    GHashTable *busy; /* gateway ids with a submission under way */
};

/* One recipient on its way through. */
typedef struct {
    const char *address;
    DmSent sent;
    char *reply; /* NULL: still to be sent */
} Item;

typedef struct {
    DmSubmitter *submitter;
    DmChannel *channel;
    const DmSubmitRequest *request;
    GArray *items;
    gint64 started; /* monotonic microseconds */
} Run;

DmSubmitter *dm_submitter_new(DmJournal *journal)
{
    DmSubmitter *submitter = g_new0(DmSubmitter, 1);

    submitter->journal = journal;
    submitter->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&submitter->lock);
    g_cond_init(&submitter->released);
    return submitter;
}

void dm_submitter_free(DmSubmitter *submitter)
{
    if (!submitter)
        return;
    g_hash_table_unref(submitter->busy);
    g_mutex_clear(&submitter->lock);
    g_cond_clear(&submitter->released);
    g_free(submitter);
}

gboolean dm_submitter_take(DmSubmitter *submitter, const char *id, guint seconds)
{
    gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    gboolean taken;

    g_mutex_lock(&submitter->lock);
    while (g_hash_table_contains(submitter->busy, id) && g_cond_wait_until(&submitter->released, &submitter->lock, end))
        continue;
    taken = !g_hash_table_contains(submitter->busy, id);
    if (taken)
        g_hash_table_add(submitter->busy, g_strdup(id));
    g_mutex_unlock(&submitter->lock);
    return taken;
}

void dm_submitter_release(DmSubmitter *submitter, const char *id)
{
    g_mutex_lock(&submitter->lock);
    g_hash_table_remove(submitter->busy, id);
    g_cond_broadcast(&submitter->released);
    g_mutex_unlock(&submitter->lock);
}

static void set_text(char **member, const char *text)
{
    g_free(*member);
    *member = g_strdup(text);
}

/* For the log, which leaves out what is NULL. */
static const char *queue_id(const Run *run)
{
    return run->request->queue_id[0] != '\0' ? run->request->queue_id : NULL;
}

static Item *item_at(const Run *run, guint i)
{
    return &g_array_index(run->items, Item, i);
}

static void item_clear(gpointer data)
{
    Item *item = data;

    dm_sent_clear(&item->sent);
    g_free(item->reply);
}

static void set_state(const Run *run, Item *item, DmSentState state, const char *provider_id, const char *code,
                      const char *detail)
{
    dm_sent_clear(&item->sent);
    item->sent = (DmSent){.state = state,
                          .time = g_get_real_time() / G_USEC_PER_SEC,
                          .tenant = g_strdup(run->request->tenant),
                          .queue_id = g_strdup(run->request->queue_id),
                          .provider_id = g_strdup(provider_id),
                          .code = g_strdup(code),
                          .detail = g_strdup(detail)};
}

/* Answers every recipient that has no answer yet. */
static void answer_rest(const Run *run, DmReply reply)
{
    for (guint i = 0; i < run->items->len; i++) {
        Item *item = item_at(run, i);

        if (!item->reply)
            item->reply = dm_reply(reply, run->request->language, NULL, NULL);
    }
}

/* What the provider, its driver or a library says is for the log, not for the sender. */
static void answer_error(const Run *run, DmReply reply, const GError *error)
{
    dm_log(DM_LOG_WARNING, "submission-failed", DM_S("qid", queue_id(run)), DM_S("gid", run->request->gateway_id),
           DM_S("tenant", run->request->tenant), DM_S("reason", error->message));
    answer_rest(run, reply);
}

/* Writes the present state of the given items (Item *) in one transaction, with the message if it is new. */
static gboolean record(const Run *run, GPtrArray *items, const DmSentMessage *message, GError **error)
{
    if (items->len == 0)
        return TRUE;

    g_autofree char **recipients = g_new0(char *, items->len);
    g_autoptr(GArray) sent = g_array_sized_new(FALSE, FALSE, sizeof(DmSent), items->len);

    for (guint i = 0; i < items->len; i++) {
        Item *item = g_ptr_array_index(items, i);

        recipients[i] = (char *)item->address;
        g_array_append_val(sent, item->sent);
    }

    const DmSent *states = (gconstpointer)sent->data;

    return dm_journal_put_sent(run->submitter->journal, run->request->gateway_id, message, recipients, states,
                               items->len, error);
}

/* Takes over what the provider said about an item. One that it did not mention, or of which it can't tell yet, stays as
 * it is. */
static void apply_result(const Run *run, Item *item, const DmOutcome *outcome)
{
    const DmResult *result = dm_outcome_find(outcome, item->address);
    DmSentState state = result ? dm_fate_of_result(result) : DM_SENT_UNKNOWN;

    switch (state) {
    case DM_SENT_ACCEPTED:
        set_state(run, item, state, outcome->id, "", "");
        break;
    case DM_SENT_REFUSED:
        dm_log(DM_LOG_INFO, "recipient-refused", DM_S("qid", queue_id(run)), DM_S("gid", run->request->gateway_id),
               DM_S("recipient", item->address), DM_S("code", result->code),
               DM_S("reason", result->detail[0] != '\0' ? result->detail : NULL));
        G_GNUC_FALLTHROUGH;
    case DM_SENT_DEFERRED:
        set_state(run, item, state, "", result->code, result->detail);
        break;
    case DM_SENT_SUBMITTING:
    case DM_SENT_UNKNOWN:
        break;
    }
}

static gboolean is_open(const Item *item)
{
    return !item->reply && dm_sent_state_is_open(item->sent.state);
}

/* Looks every recipient up; those with a final result are answered. *open: some were under way. */
static gboolean look_up(const Run *run, gboolean *open, GError **error)
{
    *open = FALSE;
    for (guint i = 0; i < run->items->len; i++) {
        Item *item = item_at(run, i);
        gboolean found;

        if (!dm_journal_get_sent(run->submitter->journal, run->request->gateway_id, item->address, &item->sent, &found,
                                 error))
            return FALSE;
        if (!found)
            continue;
        if (item->sent.state == DM_SENT_ACCEPTED || item->sent.state == DM_SENT_REFUSED)
            item->reply = dm_reply_sent(item->address, &item->sent, run->request->language);
        else if (is_open(item))
            *open = TRUE;
    }
    return TRUE;
}

/* The provider can't tell: the administrator's word is awaited, or, where the configuration says so, it is sent again.
 * TRUE if that is new to the journal. */
static gboolean hold(const Run *run, Item *item)
{
    gboolean is_new = item->sent.state != DM_SENT_UNKNOWN;

    if (is_new)
        set_state(run, item, DM_SENT_UNKNOWN, "", "", "");
    if (run->request->on_unknown == DM_UNKNOWN_HOLD)
        item->reply = dm_reply_sent(item->address, &item->sent, run->request->language);
    if (is_new || !item->reply)
        dm_log(DM_LOG_WARNING, item->reply ? "submission-held" : "submission-repeated", DM_S("qid", queue_id(run)),
               DM_S("gid", run->request->gateway_id), DM_S("tenant", run->request->tenant),
               DM_S("recipient", item->address));
    return is_new;
}

/* What could not be recorded must not be answered. */
static void forget_replies(const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++)
        g_clear_pointer(&((Item *)g_ptr_array_index(items, i))->reply, g_free);
}

/* One recipient that was under way. TRUE if the journal is to know it. What is left without a reply is to be sent. */
static gboolean settle(const Run *run, Item *item, DmFate fate, const DmOutcome *outcome)
{
    switch (dm_fate_state(fate, outcome, item->address)) {
    case DM_SENT_ACCEPTED:
    case DM_SENT_REFUSED:
        apply_result(run, item, outcome);
        item->reply = dm_reply_sent(item->address, &item->sent, run->request->language);
        return TRUE;
    case DM_SENT_SUBMITTING:
        item->sent.state = DM_SENT_SUBMITTING;
        item->reply = dm_reply_sent(item->address, &item->sent, run->request->language);
        return FALSE;
    case DM_SENT_UNKNOWN:
        return hold(run, item);
    case DM_SENT_DEFERRED:
        break;
    }
    return FALSE;
}

/* What has become of each of the items counts. */
static void tally(const Run *run, const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++)
        dm_tally_sent(dm_channel_metrics(run->channel), run->request->tenant,
                      ((const Item *)g_ptr_array_index(items, i))->sent.state, 1);
}

/* Asks the provider about what was under way, and answers what is settled by that. */
static gboolean ask_provider(const Run *run, GError **error)
{
    const DmProviderDriver *driver = dm_channel_driver(run->channel);
    g_autoptr(DmOutcome) outcome = NULL;
    g_autoptr(GPtrArray) settled = g_ptr_array_new();
    DmFate fate;

    if (!driver->status(dm_channel_provider(run->channel), run->request->gateway_id, &fate, &outcome, error))
        return FALSE;
    for (guint i = 0; i < run->items->len; i++) {
        if (is_open(item_at(run, i)) && settle(run, item_at(run, i), fate, outcome))
            g_ptr_array_add(settled, item_at(run, i));
    }
    if (!record(run, settled, NULL, error)) {
        forget_replies(settled);
        return FALSE;
    }
    tally(run, settled);
    dm_log(DM_LOG_INFO, "submission-resumed", DM_S("qid", queue_id(run)), DM_S("gid", run->request->gateway_id),
           DM_S("tenant", run->request->tenant), DM_N("known", settled->len));
    return TRUE;
}

static GPtrArray *unanswered(const Run *run)
{
    GPtrArray *items = g_ptr_array_new();

    for (guint i = 0; i < run->items->len; i++) {
        if (!item_at(run, i)->reply)
            g_ptr_array_add(items, item_at(run, i));
    }
    return items;
}

static void log_submitted(const Run *run, const GPtrArray *items, const char *id)
{
    const DmSubmitRequest *request = run->request;
    gint64 count[DM_SENT_UNKNOWN + 1] = {0};
    g_autofree char *seconds = g_strdup_printf("%.2f", (double)(g_get_monotonic_time() - run->started) / 1e6);

    for (guint i = 0; i < items->len; i++)
        count[((const Item *)g_ptr_array_index(items, i))->sent.state]++;
    dm_log(DM_LOG_INFO, "submitted", DM_S("qid", queue_id(run)), DM_S("gid", request->gateway_id),
           DM_S("tenant", request->tenant), DM_S("sender", request->envelope_sender), DM_S("demail", request->sender),
           DM_N("recipients", items->len), DM_N("accepted", count[DM_SENT_ACCEPTED]),
           DM_N("refused", count[DM_SENT_REFUSED]), DM_N("deferred", count[DM_SENT_DEFERRED]),
           DM_N("unknown", count[DM_SENT_SUBMITTING]), DM_S("id", id), DM_S("seconds", seconds));
}

static void archive_results(DmEvidence *evidence, const GPtrArray *items)
{
    g_autofree const DmSent **results = g_new0(const DmSent *, items->len + 1);

    for (guint i = 0; i < items->len; i++)
        results[i] = &((const Item *)g_ptr_array_index(items, i))->sent;
    dm_evidence_end(evidence, results);
}

/* The provider answered: records, archives and answers. */
static void conclude(const Run *run, GPtrArray *items, const DmOutcome *outcome, DmEvidence *evidence)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < items->len; i++)
        apply_result(run, g_ptr_array_index(items, i), outcome);
    tally(run, items);
    log_submitted(run, items, outcome->id);
    if (!record(run, items, NULL, &error)) {
        answer_error(run, DM_REPLY_INTERNAL, error);
        return;
    }
    archive_results(evidence, items);
    for (guint i = 0; i < items->len; i++) {
        Item *item = g_ptr_array_index(items, i);

        item->reply = dm_reply_sent(item->address, &item->sent, run->request->language);
    }
}

/* The driver failed: what certainly was not sent may be sent again, what may have been sent stays under way. */
static void give_up(const Run *run, GPtrArray *items, gboolean unsure, const GError *error, DmEvidence *evidence)
{
    g_autoptr(GError) problem = NULL;

    dm_channel_failed(run->channel, error);
    if (!unsure) {
        for (guint i = 0; i < items->len; i++)
            set_state(run, g_ptr_array_index(items, i), DM_SENT_DEFERRED, "", "", error->message);
        if (!record(run, items, NULL, &problem))
            dm_log(DM_LOG_ERROR, "journal-failed", DM_S("qid", queue_id(run)), DM_S("gid", run->request->gateway_id),
                   DM_S("reason", problem->message));
    }
    tally(run, items);
    if (evidence->failed)
        answer_rest(run, DM_REPLY_INTERNAL);
    if (!unsure)
        dm_evidence_drop(evidence);
    answer_error(run, unsure ? DM_REPLY_OPEN : DM_REPLY_UNAVAILABLE, error);
}

/* As the journal keeps it, so that a confirmation finds it; all lent. */
static DmSentMessage sent_message(const DmSubmitRequest *request, const char *private_id)
{
    return (DmSentMessage){.gateway_id = (char *)request->gateway_id,
                           .time = g_get_real_time() / G_USEC_PER_SEC,
                           .tenant = (char *)request->tenant,
                           .unit = (char *)request->unit,
                           .queue_id = (char *)request->queue_id,
                           .email = (char *)request->email,
                           .demail = (char *)request->sender,
                           .message_id = (char *)request->message_id,
                           .private_id = (char *)private_id,
                           .options = request->options};
}

/* Nothing may leave that the archive can't take. */
static gboolean begin_evidence(const Run *run, char *const *recipients, const char *private_id, gint64 size,
                               DmEvidence *evidence)
{
    const DmSubmitRequest *request = run->request;
    const DmArchiveEntry entry = {.tenant = request->tenant,
                                  .gateway_id = request->gateway_id,
                                  .queue_id = request->queue_id,
                                  .private_id = private_id,
                                  .sender = request->sender,
                                  .recipients = recipients};
    g_autoptr(GError) error = NULL;

    *evidence = (DmEvidence){.read = request->read, .data = request->data, .size = size};
    if (dm_evidence_begin(evidence, request->archive, &entry, &error))
        return TRUE;
    dm_log(DM_LOG_ERROR, "archive-failed", DM_S("qid", queue_id(run)), DM_S("gid", request->gateway_id),
           DM_S("tenant", request->tenant), DM_S("reason", error->message),
           DM_S("effect", "nothing was submitted; the MTA tries again"));
    answer_rest(run, DM_REPLY_INTERNAL);
    return FALSE;
}

/* What the run has found out counts before the journal: what it will send again was not sent before. */
static gboolean look_up_evidence(const char *gateway_id, const char *recipient, DmSent *sent, gpointer data,
                                 GError **error)
{
    const Run *run = data;
    gboolean found;

    if (!dm_journal_get_sent(run->submitter->journal, gateway_id, recipient, sent, &found, error))
        return FALSE;
    for (guint i = 0; found && i < run->items->len; i++) {
        const Item *item = item_at(run, i);

        if (!item->reply && g_str_equal(item->address, recipient) && dm_sent_state_is_open(sent->state)) {
            set_text(&sent->code, item->sent.state == DM_SENT_UNKNOWN ? DM_CODE_RELEASED : "");
            sent->state = DM_SENT_DEFERRED;
        }
    }
    return TRUE;
}

static void submit_items(const Run *run, GPtrArray *items)
{
    const DmProviderDriver *driver = dm_channel_driver(run->channel);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmOutcome) outcome = NULL;
    g_autofree char **recipients = g_new0(char *, items->len + 1);
    g_autofree char *private_id = dm_header_decode(run->request->private_id);
    const DmSentMessage message = sent_message(run->request, private_id);
    DmEvidence evidence;
    gint64 size = 0;
    gboolean unsure = FALSE;

    for (guint i = 0; i < items->len; i++)
        recipients[i] = (char *)((const Item *)g_ptr_array_index(items, i))->address;
    if (!run->request->prepare(recipients, &size, run->request->data, &error)) {
        answer_error(run, dm_error_is_temporary(error) ? DM_REPLY_INTERNAL : DM_REPLY_UNREADABLE, error);
        return;
    }
    if (!begin_evidence(run, recipients, private_id, size, &evidence))
        return;
    for (guint i = 0; i < items->len; i++)
        set_state(run, g_ptr_array_index(items, i), DM_SENT_SUBMITTING, "", "", "");
    if (!record(run, items, &message, &error)) {
        dm_evidence_drop(&evidence);
        answer_error(run, DM_REPLY_INTERNAL, error);
        return;
    }

    const DmSubmission submission = {.key = run->request->gateway_id,
                                     .sender = run->request->sender,
                                     .recipients = recipients,
                                     .private_id = run->request->private_id,
                                     .size = size,
                                     .read = dm_evidence_read,
                                     .data = &evidence};

    if (driver->submit(dm_channel_provider(run->channel), &submission, &outcome, &unsure, &error))
        conclude(run, items, outcome, &evidence);
    else
        give_up(run, items, unsure, error, &evidence);
    dm_evidence_keep(&evidence);
    dm_tally_submission(dm_channel_metrics(run->channel), run->request->tenant, run->started);
}

static void run_with_id(const Run *run)
{
    g_autoptr(GError) error = NULL;
    gboolean open;

    if (!look_up(run, &open, &error)) {
        answer_error(run, DM_REPLY_INTERNAL, error);
        return;
    }
    if (open && !ask_provider(run, &error)) {
        dm_channel_failed(run->channel, error);
        answer_error(run, DM_REPLY_UNAVAILABLE, error);
        return;
    }
    dm_evidence_settle(run->request->archive, run->request->gateway_id, look_up_evidence, (gpointer)run);

    g_autoptr(GPtrArray) items = unanswered(run);

    for (guint i = 0; run->request->expired && i < items->len; i++)
        ((Item *)g_ptr_array_index(items, i))->reply = g_strdup(run->request->expired);
    if (items->len == 0 || run->request->expired)
        return;
    if (!dm_channel_enter(run->channel, FREE_SLOT_SECONDS)) {
        answer_rest(run, DM_REPLY_BUSY);
        return;
    }
    submit_items(run, items);
    dm_channel_leave(run->channel);
}

GPtrArray *dm_submit(DmSubmitter *submitter, DmChannel *channel, const DmSubmitRequest *request)
{
    Run run = {.submitter = submitter, .channel = channel, .request = request, .started = g_get_monotonic_time()};
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);

    run.items = g_array_new(FALSE, TRUE, sizeof(Item));
    g_array_set_clear_func(run.items, item_clear);
    for (char *const *recipient = request->recipients; *recipient; recipient++) {
        Item item = {.address = *recipient};

        g_array_append_val(run.items, item);
    }
    if (dm_submitter_take(submitter, request->gateway_id, SAME_ID_SECONDS)) {
        run_with_id(&run);
        dm_submitter_release(submitter, request->gateway_id);
    } else {
        answer_rest(&run, DM_REPLY_TWICE);
    }
    for (guint i = 0; i < run.items->len; i++)
        g_ptr_array_add(replies, g_steal_pointer(&item_at(&run, i)->reply));
    g_array_unref(run.items);
    return replies;
}
