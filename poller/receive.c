#include "poller/receive.h"

#include "common/demail.h"
#include "common/log.h"
#include "poller/about.h"
#include "poller/anchors.h"
#include "poller/fields.h"
#include "poller/handover.h"
#include "poller/incoming_header.h"
#include "poller/receive_file.h"
#include "poller/receive_recipients.h"
#include "poller/report.h"
#include "poller/tally.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A message on its way through. */
typedef struct {
    const DmReceiver *receiver;
    const DmEntry *entry;
    const char *dir; /* for files */
    int fd;          /* the message as fetched */
    DmHeaders *headers;
    off_t body; /* where it begins in `fd` */
    DmJudgement judgement;
    DmAbout about;
    DmHandover handover;
    gboolean postponed; /* until the next round */
} Arrival;

static gint64 now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* *readable: whether there is a header. A message without one is delivered as well: all of it becomes the body behind
 * our fields. */
static gboolean read_header(Arrival *a, gboolean *readable, GError **error)
{
    g_autoptr(GError) problem = NULL;

    a->headers = dm_receive_file_header(a->fd, &a->body, &problem);
    *readable = a->headers != NULL;
    if (a->headers)
        return TRUE;
    if (!g_error_matches(problem, DM_ERROR, DM_ERROR_PERMANENT)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    dm_log(DM_LOG_WARNING, "header-unreadable", DM_S("tenant", a->receiver->tenant->name), DM_S("id", a->entry->id),
           DM_S("reason", problem->message));
    a->headers = dm_headers_new();
    a->body = 0;
    return TRUE;
}

static gboolean verify(Arrival *a, GError **error)
{
    gboolean readable;

    if (!read_header(a, &readable, error) || !dm_judgement_make(dm_anchors_of(a->receiver->gateway), a->fd,
                                                                readable ? a->headers : NULL, &a->judgement, error))
        return FALSE;
    if (a->judgement.verified != DM_VERIFIED_FAIL)
        return TRUE;

    g_autofree char *reasons = dm_judgement_reasons(&a->judgement, ",");

    dm_log(DM_LOG_WARNING, "verify-failed", DM_S("tenant", a->receiver->tenant->name), DM_S("id", a->entry->id),
           DM_S("type", a->entry->type), DM_S("reason", reasons));
    return TRUE;
}

/* For the log. */
static char *join(const GPtrArray *addresses)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < addresses->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", (const char *)g_ptr_array_index(addresses, i));
    return g_string_free(text, FALSE);
}

static void log_statement(const Arrival *a)
{
    const DmSentMessage *message = a->about.message;
    g_autofree char *recipients = join(a->about.recipients);

    dm_tally_confirmation(a->receiver->gateway->metrics, a->receiver->tenant->name, &a->about);
    if (message)
        dm_log(DM_LOG_INFO, "confirmed", DM_S("qid", message->queue_id[0] != '\0' ? message->queue_id : NULL),
               DM_S("gid", message->gateway_id), DM_S("tenant", a->receiver->tenant->name), DM_S("id", a->entry->id),
               DM_S("type", a->entry->type), DM_S("state", dm_sent_event_word(a->about.event)),
               DM_S("recipients", recipients));
    else
        dm_log(DM_LOG_INFO, "unmatched", DM_S("tenant", a->receiver->tenant->name), DM_S("id", a->entry->id),
               DM_S("type", a->entry->type));
}

/* Whether the provider's answer was not in the journal when dm_about_find() looked: what it has refused is not found. */
static gboolean was_open(const DmSent *sent)
{
    return sent->state == DM_SENT_SUBMITTING ||
           (sent->state == DM_SENT_REFUSED && !g_str_equal(sent->code, DM_CODE_DROPPED));
}

/* A confirmation of dispatch may name a recipient that the provider refused. While its answer is not in the journal
 * yet, or has come only just now, the confirmation waits: it is never to prove what was not sent. */
static gboolean postpone(Arrival *a, GError **error)
{
    const DmAbout *about = &a->about;

    if (!about->message || about->event != DM_EVENT_DISPATCHED)
        return TRUE;
    for (guint i = 0; i < about->recipients->len && !a->postponed; i++) {
        DmSent sent = {0};
        gboolean found;

        if (!dm_journal_get_sent(a->receiver->journal, about->message->gateway_id,
                                 g_ptr_array_index(about->recipients, i), &sent, &found, error))
            return FALSE;
        a->postponed = found && was_open(&sent);
        dm_sent_clear(&sent);
    }
    if (a->postponed)
        dm_log(DM_LOG_INFO, "postponed", DM_S("gid", about->message->gateway_id),
               DM_S("tenant", a->receiver->tenant->name), DM_S("id", a->entry->id), DM_S("type", a->entry->type));
    return TRUE;
}

static gboolean find_about(Arrival *a, GError **error)
{
    return dm_about_find(a->receiver->journal, a->receiver->tenant->name, &a->judgement, &a->about, error);
}

/* Before anything is done on its ground. */
static gboolean archive(const Arrival *a, GError **error)
{
    const DmSentMessage *about = a->about.message;
    g_autofree char *reasons = dm_judgement_reasons(&a->judgement, ",");
    g_autofree char *sender = dm_fields_address(a->headers, DM_FIELD_SENDER);
    const DmArchiveEntry entry = {.tenant = a->receiver->tenant->name,
                                  .type = a->entry->type,
                                  .gateway_id = about ? about->gateway_id : NULL,
                                  .queue_id = about ? about->queue_id : NULL,
                                  .provider_id = a->entry->id,
                                  .private_id = a->entry->private_id,
                                  .sender = sender,
                                  .recipients = a->entry->recipients,
                                  .verified = dm_judgement_word(&a->judgement),
                                  .reasons = reasons};

    return !a->receiver->archive || dm_archive_put(a->receiver->archive, &entry, a->fd, error);
}

/* What it says about a De-Mail of ours goes into the journal before it is handed over. */
static gboolean match(Arrival *a, GError **error)
{
    const DmReceiver *receiver = a->receiver;
    const DmStatement *statement = a->judgement.findings->statement;

    if (!postpone(a, error))
        return FALSE;
    if (a->postponed)
        return TRUE;
    if (!dm_about_record(receiver->journal, &a->about, statement, a->entry->id, error))
        return FALSE;
    if (statement && dm_judgement_counts(&a->judgement))
        log_statement(a);
    return TRUE;
}

static void set_text(char **member, char *text)
{
    g_free(*member);
    *member = text;
}

static gboolean is_known(const Arrival *a)
{
    return a->handover.received->state != 0;
}

/* For the journal, with what has been found out. Of what is new the handover's first record says all that; it spares
 * one to be synced to the disk. */
static gboolean enter(Arrival *a, GError **error)
{
    DmReceived *received = a->handover.received;
    char *sender = dm_fields_address(a->headers, DM_FIELD_SENDER);

    if (received->fetched == 0)
        received->fetched = now();
    set_text(&received->type, g_strdup(a->entry->type));
    set_text(&received->private_id, g_strdup(a->entry->private_id));
    set_text(&received->verified, g_strdup(dm_judgement_word(&a->judgement)));
    set_text(&received->reasons, dm_judgement_reasons(&a->judgement, ","));
    set_text(&received->sender, sender ? sender : g_strdup(""));
    set_text(&received->about, g_strdup(a->about.message ? a->about.message->gateway_id : ""));
    return !is_known(a) || a->handover.redelivered || dm_handover_set_state(&a->handover, DM_RECEIVED_FETCHED, error);
}

/* Marks the header and hands over `fd` from `body` on behind it. */
static gboolean hand_over(Arrival *a, DmHeaders *headers, int fd, off_t body, const char *sender, GError **error)
{
    const DmTenantConfig *tenant = a->receiver->tenant;
    const DmIncomingMark mark = {.demail = a->headers,
                                 .judgement = &a->judgement,
                                 .authserv_id = tenant->email_domains[0],
                                 .subject_prefix = tenant->subject_prefix,
                                 .thread = a->about.thread,
                                 .redelivered = a->handover.redelivered};
    g_autoptr(GString) head = g_string_new(NULL);
    struct stat info;

    if (fstat(fd, &info) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the fetched message: %s", g_strerror(errno));
        return FALSE;
    }
    dm_incoming_mark(headers, &mark);
    dm_headers_write(headers, head);
    g_string_append(head, "\r\n");
    a->handover.injection = (DmInjection){.injector = a->receiver->injector,
                                          .url = a->receiver->gateway->config->poller.inject,
                                          .sender = sender,
                                          .head = head,
                                          .fd = fd,
                                          .body = body,
                                          .size = info.st_size};
    if (!dm_handover(&a->handover, error))
        return FALSE;
    dm_tally_received(a->receiver->gateway->metrics, tenant->name, &a->judgement);

    g_autofree char *to = join(a->handover.recipients);
    g_autofree char *remarks = dm_judgement_remarks(&a->judgement);

    dm_log(DM_LOG_INFO, "received", DM_S("tenant", tenant->name), DM_S("id", a->entry->id),
           DM_S("type", a->entry->type), DM_S("to", to), DM_N("size", info.st_size),
           DM_S("verified", dm_judgement_word(&a->judgement)), DM_S("remarks", remarks[0] != '\0' ? remarks : NULL),
           DM_S("redelivered", a->handover.redelivered ? "yes" : NULL));
    return TRUE;
}

/* A report must not be answered by another one (RFC 3464 2): its envelope sender is empty. */
static gboolean hand_over_report(Arrival *a, GError **error)
{
    const DmReport report = {.language = a->receiver->gateway->config->language,
                             .tenant = a->receiver->tenant,
                             .message = a->about.message,
                             .recipients = a->about.recipients,
                             .statement = a->judgement.findings->statement,
                             .headers = a->headers,
                             .fd = a->fd,
                             .id = a->entry->id};
    int fd = dm_receive_file_new(a->dir, error);
    g_autoptr(DmHeaders) headers = fd >= 0 ? dm_report_make(&report, fd, error) : NULL;
    gboolean done = headers && hand_over(a, headers, fd, 0, "", error);

    if (fd >= 0)
        close(fd);
    return done;
}

static gboolean find_recipients_and_hand_over(Arrival *a, GError **error)
{
    const DmReceiver *receiver = a->receiver;
    g_autoptr(GPtrArray) recipients =
        dm_receive_recipients(receiver->gateway, receiver->tenant, a->entry, a->headers, a->about.message, error);

    if (!recipients)
        return FALSE;
    a->handover.recipients = recipients;
    return dm_about_is_failure(&a->about)
               ? hand_over_report(a, error)
               : hand_over(a, a->headers, a->fd, a->body, receiver->tenant->bounce_address, error);
}

static gboolean deliver(Arrival *a, GError **error)
{
    if (find_recipients_and_hand_over(a, error))
        return TRUE;
    if (!is_known(a))
        dm_handover_put_off(&a->handover);
    return FALSE;
}

static gboolean fetch(const DmReceiver *receiver, const DmEntry *entry, int fd, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->fetch(dm_channel_provider(receiver->channel), entry->id, fd, &problem))
        return TRUE;
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean acknowledge(const DmReceiver *receiver, const DmEntry *entry, const DmHandover *handover,
                            GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->ack(dm_channel_provider(receiver->channel), entry->id, &problem))
        return dm_handover_set_state(handover, DM_RECEIVED_ACKNOWLEDGED, error);
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* *postponed: nothing was delivered, and the next round does it. */
static gboolean fetch_and_deliver(const DmReceiver *receiver, const DmEntry *entry, const DmHandover *handover,
                                  gboolean *postponed, GError **error)
{
    g_autofree char *dir = dm_receive_dir(receiver->gateway->config->state_dir, error);
    Arrival a = {.receiver = receiver, .entry = entry, .dir = dir, .fd = -1, .handover = *handover};
    gboolean done = FALSE;

    a.fd = dir ? dm_receive_file_new(dir, error) : -1;
    if (a.fd < 0)
        return FALSE;
    done = fetch(receiver, entry, a.fd, error) && verify(&a, error) && find_about(&a, error) && archive(&a, error) &&
           match(&a, error) && (a.postponed || (enter(&a, error) && deliver(&a, error)));
    *postponed = a.postponed;
    dm_about_clear(&a.about);
    dm_judgement_clear(&a.judgement);
    g_clear_pointer(&a.headers, dm_headers_free);
    close(a.fd);
    return done;
}

gboolean dm_receive(const DmReceiver *receiver, const DmEntry *entry, GError **error)
{
    DmReceived received = {0};
    DmHandover handover = {.journal = receiver->journal,
                           .tenant = receiver->tenant,
                           .metrics = receiver->gateway->metrics,
                           .id = entry->id,
                           .received = &received};
    gboolean found, done, postponed = FALSE;

    if (!dm_journal_get_received(receiver->journal, receiver->tenant->name, entry->id, &received, &found, error))
        return FALSE;

    gboolean injected = found && (received.state == DM_RECEIVED_INJECTED || received.state == DM_RECEIVED_ACKNOWLEDGED);

    handover.redelivered = found && received.state == DM_RECEIVED_INJECTING;
    done = (injected || fetch_and_deliver(receiver, entry, &handover, &postponed, error)) &&
           (postponed || acknowledge(receiver, entry, &handover, error));
    dm_received_clear(&received);
    return done;
}

typedef struct {
    const DmReceiver *receiver;
    GError *later; /* the first that may not come again */
} CatchUp;

static gboolean catch_up_one(const DmJournalEntry *journal_entry, gpointer data, GError **error)
{
    CatchUp *round = data;
    const DmReceiver *receiver = round->receiver;
    const DmEntry entry = {.id = journal_entry->provider_id};
    DmReceived received = {0};
    DmHandover handover = {
        .journal = receiver->journal, .tenant = receiver->tenant, .id = entry.id, .received = &received};
    g_autoptr(GError) problem = NULL;
    gboolean found, good;

    good = dm_journal_get_received(receiver->journal, receiver->tenant->name, entry.id, &received, &found, error);
    if (good && found && received.state == DM_RECEIVED_INJECTED)
        good = acknowledge(receiver, &entry, &handover, &problem);
    dm_received_clear(&received);
    if (!problem)
        return good;
    if (g_error_matches(problem, DM_ERROR, DM_ERROR_UNAVAILABLE)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (!dm_error_is_temporary(problem))
        dm_log(DM_LOG_WARNING, "receive-failed", DM_S("tenant", receiver->tenant->name), DM_S("id", entry.id),
               DM_S("reason", problem->message));
    else if (!round->later)
        round->later = g_steal_pointer(&problem);
    return TRUE;
}

gboolean dm_receive_catch_up(const DmReceiver *receiver, GError **error)
{
    CatchUp round = {receiver, NULL};
    gboolean good =
        dm_journal_list_unacknowledged(receiver->journal, receiver->tenant->name, catch_up_one, &round, error);

    if (!round.later)
        return good;
    if (good)
        g_propagate_error(error, round.later);
    else
        g_error_free(round.later);
    return FALSE;
}
