#include "common/journal_sent.h"

#include "common/journal_index.h"

#include <string.h>

#define RECIPIENTS_MAX 1000000U /* of one De-Mail; no MTA comes near */

static const DmJournalLayout sent_layout = {2, {8, 9}};
static const DmJournalLayout message_layout = {2, {9, 10}};
static const DmJournalLayout event_layout = {1, {4}};

void dm_sent_clear(DmSent *sent)
{
    g_clear_pointer(&sent->tenant, g_free);
    g_clear_pointer(&sent->queue_id, g_free);
    g_clear_pointer(&sent->provider_id, g_free);
    g_clear_pointer(&sent->code, g_free);
    g_clear_pointer(&sent->detail, g_free);
}

void dm_sent_message_free(DmSentMessage *message)
{
    if (message == NULL)
        return;
    g_free(message->gateway_id);
    g_free(message->tenant);
    g_free(message->queue_id);
    g_free(message->email);
    g_free(message->demail);
    g_free(message->message_id);
    g_free(message->private_id);
    g_free(message->unit);
    g_free(message);
}

static void free_event(gpointer data)
{
    DmSentEvent *event = data;

    g_free(event->provider_id);
    g_free(event->detail);
    g_free(event);
}

static void free_recipient(gpointer data)
{
    DmSentRecipient *recipient = data;

    g_free(recipient->address);
    dm_sent_clear(&recipient->sent);
    g_clear_pointer(&recipient->events, g_ptr_array_unref);
    g_free(recipient);
}

const char *dm_sent_state_word(DmSentState state)
{
    switch (state) {
    case DM_SENT_SUBMITTING:
        return "submitting";
    case DM_SENT_ACCEPTED:
        return "accepted";
    case DM_SENT_REFUSED:
        return "refused";
    case DM_SENT_DEFERRED:
        return "deferred";
    case DM_SENT_UNKNOWN:
        break;
    }
    return "unknown";
}

gboolean dm_sent_state_is_open(DmSentState state)
{
    return state == DM_SENT_SUBMITTING || state == DM_SENT_UNKNOWN;
}

const char *dm_sent_event_word(DmSentEventKind kind)
{
    switch (kind) {
    case DM_EVENT_DISPATCHED:
        return "dispatched";
    case DM_EVENT_RECEIVED:
        return "received";
    case DM_EVENT_RETRIEVED:
        return "retrieved";
    case DM_EVENT_UNDELIVERABLE:
        return "undeliverable";
    case DM_EVENT_NOTIFIED:
        break;
    }
    return "notified";
}

const char *dm_sent_recipient_state(const DmSentRecipient *recipient)
{
    static const DmSentEventKind strongest_first[] = {DM_EVENT_RETRIEVED, DM_EVENT_RECEIVED, DM_EVENT_UNDELIVERABLE,
                                                      DM_EVENT_NOTIFIED, DM_EVENT_DISPATCHED};

    for (gsize k = 0; k < G_N_ELEMENTS(strongest_first); k++) {
        for (guint i = 0; i < recipient->events->len; i++) {
            const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
            if (event->kind == strongest_first[k])
                return dm_sent_event_word(event->kind);
        }
    }
    return dm_sent_state_word(recipient->sent.state);
}

static GString *sent_key(const char *gateway_id, const char *recipient)
{
    g_autofree char *folded = g_ascii_strdown(recipient, -1);

    return DM_JOURNAL_KEY("s", gateway_id, folded);
}

static GString *sent_record(const char *recipient, const DmSent *sent)
{
    GString *record = dm_journal_record("2");
    g_autofree char *folded = g_ascii_strdown(recipient, -1);

    dm_journal_add_number(record, sent->state);
    dm_journal_add_number(record, sent->time);
    dm_journal_add_text(record, sent->tenant, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, sent->queue_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, sent->provider_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, sent->code, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, sent->detail, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, folded, DM_JOURNAL_TEXT_MAX);
    return record;
}

/* *recipient (may be NULL as argument): as the record has it, empty in version 1. */
static gboolean read_sent(const GString *record, DmSent *sent, char **recipient, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    gint64 state = 0;

    if (!dm_journal_split(record, &sent_layout, fields, error) ||
        !dm_journal_number(fields[1], DM_SENT_SUBMITTING, DM_SENT_UNKNOWN, &state, error) ||
        !dm_journal_number(fields[2], 0, G_MAXINT64, &sent->time, error))
        return FALSE;
    sent->state = (DmSentState)state;
    sent->tenant = g_strdup(fields[3]);
    sent->queue_id = g_strdup(fields[4]);
    sent->provider_id = g_strdup(fields[5]);
    sent->code = g_strdup(fields[6]);
    sent->detail = g_strdup(fields[7]);
    if (recipient != NULL)
        *recipient = g_strdup(fields[8]);
    return TRUE;
}

gboolean dm_journal_get_sent(DmJournal *journal, const char *gateway_id, const char *recipient, DmSent *sent,
                             gboolean *found, GError **error)
{
    DmStoreTxn txn;

    *sent = (DmSent){0};
    dm_store_begin(&txn, journal->store);
    g_autoptr(GString) record = dm_store_get(&txn, sent_key(gateway_id, recipient));
    *found = record != NULL;
    if (record != NULL)
        read_sent(record, sent, NULL, &txn.error);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

static GString *message_record(const DmSentMessage *message)
{
    GString *record = dm_journal_record("2");

    dm_journal_add_number(record, message->time);
    dm_journal_add_text(record, message->tenant, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->queue_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->email, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->demail, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->message_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->private_id, DM_JOURNAL_ID_MAX);
    dm_journal_add_number(record, message->options);
    dm_journal_add_text(record, message->unit, DM_JOURNAL_TEXT_MAX);
    return record;
}

static DmSentMessage *read_message(const char *gateway_id, const GString *record, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    gint64 time = 0;
    gint64 options = 0;

    if (!dm_journal_split(record, &message_layout, fields, error) ||
        !dm_journal_number(fields[1], 0, G_MAXINT64, &time, error) ||
        !dm_journal_number(fields[8], 0, G_MAXUINT, &options, error))
        return NULL;
    DmSentMessage *message = g_new0(DmSentMessage, 1);
    *message = (DmSentMessage){.gateway_id = g_strdup(gateway_id),
                               .time = time,
                               .tenant = g_strdup(fields[2]),
                               .queue_id = g_strdup(fields[3]),
                               .email = g_strdup(fields[4]),
                               .demail = g_strdup(fields[5]),
                               .message_id = g_strdup(fields[6]),
                               .private_id = g_strdup(fields[7]),
                               .options = (guint)options,
                               .unit = g_strdup(fields[9])};
    return message;
}

DmSentMessage *dm_journal_read_message(DmStoreTxn *txn, const char *gateway_id)
{
    g_autoptr(GString) record = dm_store_get(txn, DM_JOURNAL_KEY("m", gateway_id));

    return record != NULL ? read_message(gateway_id, record, &txn->error) : NULL;
}

gboolean dm_journal_get_message(DmJournal *journal, const char *gateway_id, DmSentMessage **message, GError **error)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    *message = dm_journal_read_message(&txn, gateway_id);
    return dm_store_end(&txn, error) == DM_STORE_DONE;
}

static gboolean has_recipients(DmStoreTxn *txn, const char *gateway_id)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("s", gateway_id, "");
    g_autoptr(GArray) first = dm_store_scan(txn, prefix, NULL, 1);

    return first->len > 0;
}

/* What finds it by time comes with its first record. */
static void put_message(DmStoreTxn *txn, const DmSentMessage *message)
{
    const DmJournalEntry entry = {message->gateway_id, (char *)"", (char *)""};

    dm_store_put(txn, DM_JOURNAL_KEY("m", message->gateway_id), message_record(message));
    dm_journal_index_name(txn, message->queue_id, &entry);
    dm_journal_index_name(txn, message->message_id, &entry);
    if (strcmp(message->private_id, message->gateway_id) != 0)
        dm_journal_index_name(txn, message->private_id, &entry);
}

void dm_journal_put_recipient(DmStoreTxn *txn, const char *gateway_id, const char *recipient, const DmSent *sent)
{
    dm_store_put(txn, sent_key(gateway_id, recipient), sent_record(recipient, sent));
    dm_journal_index_open(txn, gateway_id, recipient, dm_sent_state_is_open(sent->state));
}

/* Whether the record stays as it is: what is settled does not become open again. Somebody else has settled it then, and
 * nothing may be sent on the ground of what was known before. */
static gboolean is_settled(DmStoreTxn *txn, const char *gateway_id, const char *recipient, DmSentState next)
{
    g_autoptr(GString) record = dm_store_get(txn, sent_key(gateway_id, recipient));
    DmSent now = {0};
    gboolean settled = FALSE;

    if (record != NULL && next != DM_SENT_ACCEPTED && next != DM_SENT_REFUSED)
        settled = read_sent(record, &now, NULL, &txn->error) &&
                  (now.state == DM_SENT_ACCEPTED || now.state == DM_SENT_REFUSED);
    if (settled && next == DM_SENT_SUBMITTING)
        g_set_error(&txn->error, DM_ERROR, DM_ERROR_TEMPORARY, "<%s> was settled meanwhile; it is not sent again",
                    recipient);
    dm_sent_clear(&now);
    return settled;
}

static void put_sent(DmStoreTxn *txn, const char *gateway_id, const DmSentMessage *message, char *const *recipients,
                     const DmSent *sent, gsize n)
{
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};
    g_autoptr(GString) known = dm_store_get(txn, DM_JOURNAL_KEY("m", gateway_id));

    if (known == NULL && n > 0 && !has_recipients(txn, gateway_id))
        dm_journal_index_time(txn, message != NULL ? message->time : sent[0].time, &entry);
    if (known == NULL && message != NULL)
        put_message(txn, message);
    for (gsize i = 0; i < n && txn->error == NULL; i++) {
        if (is_settled(txn, gateway_id, recipients[i], sent[i].state))
            continue;
        dm_journal_put_recipient(txn, gateway_id, recipients[i], &sent[i]);
        if (i == 0 || g_strcmp0(sent[i].provider_id, sent[i - 1].provider_id) != 0)
            dm_journal_index_name(txn, sent[i].provider_id, &entry);
    }
}

gboolean dm_journal_put_sent(DmJournal *journal, const char *gateway_id, const DmSentMessage *message,
                             char *const *recipients, const DmSent *sent, gsize n, GError **error)
{
    DmStoreTxn txn;
    DmStoreEnd end;

    do {
        dm_store_begin(&txn, journal->store);
        put_sent(&txn, gateway_id, message, recipients, sent, n);
        end = dm_store_end(&txn, error);
    } while (end == DM_STORE_CONFLICT);
    return end == DM_STORE_DONE;
}

static GString *event_key(const char *gateway_id, const char *recipient, DmSentEventKind kind)
{
    g_autofree char *folded = g_ascii_strdown(recipient, -1);
    const char word[] = {(char)('0' + (int)kind), '\0'};

    return DM_JOURNAL_KEY("e", gateway_id, folded, word);
}

static GString *event_record(const DmSentEvent *event)
{
    GString *record = dm_journal_record("1");

    dm_journal_add_number(record, event->time);
    dm_journal_add_text(record, event->provider_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, event->detail, DM_JOURNAL_TEXT_MAX);
    return record;
}

/* A receipt proves that it was sent, whatever the provider can't tell. That of dispatch does not: it names those that
 * the provider refused, too. */
static void settle_by_receipt(DmStoreTxn *txn, const char *gateway_id, const char *recipient, const GString *record,
                              const DmSentEvent *event)
{
    DmSent sent = {0};

    if (event->kind != DM_EVENT_RECEIVED && event->kind != DM_EVENT_RETRIEVED)
        return;
    if (read_sent(record, &sent, NULL, &txn->error) && sent.state == DM_SENT_UNKNOWN) {
        sent.state = DM_SENT_ACCEPTED;
        sent.time = event->time;
        dm_journal_put_recipient(txn, gateway_id, recipient, &sent);
    }
    dm_sent_clear(&sent);
}

/* Only beside the recipient's record, so that none is left where that has just expired. */
static void put_event(DmStoreTxn *txn, const char *gateway_id, const char *recipient, const DmSentEvent *event)
{
    g_autoptr(GString) sent = dm_store_get(txn, sent_key(gateway_id, recipient));
    g_autoptr(GString) known = dm_store_get(txn, event_key(gateway_id, recipient, event->kind));

    if (sent == NULL)
        return;
    settle_by_receipt(txn, gateway_id, recipient, sent, event);
    if (known == NULL)
        dm_store_put(txn, event_key(gateway_id, recipient, event->kind), event_record(event));
}

gboolean dm_journal_put_event(DmJournal *journal, const char *gateway_id, char *const *recipients,
                              const DmSentEvent *event, GError **error)
{
    DmStoreTxn txn;
    DmStoreEnd end;

    do {
        dm_store_begin(&txn, journal->store);
        for (char *const *recipient = recipients; *recipient != NULL; recipient++)
            put_event(&txn, gateway_id, *recipient, event);
        end = dm_store_end(&txn, error);
    } while (end == DM_STORE_CONFLICT);
    return end == DM_STORE_DONE;
}

static gboolean read_event(const DmStorePair *pair, GPtrArray *events, GError **error)
{
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    gint64 time = 0;
    gint64 kind = 0;

    if (!dm_journal_number(dm_journal_part(pair->key, 3), DM_EVENT_DISPATCHED, DM_EVENT_NOTIFIED, &kind, error) ||
        !dm_journal_split(pair->record, &event_layout, fields, error) ||
        !dm_journal_number(fields[1], 0, G_MAXINT64, &time, error))
        return FALSE;
    DmSentEvent *event = g_new0(DmSentEvent, 1);
    *event = (DmSentEvent){(DmSentEventKind)kind, time, g_strdup(fields[2]), g_strdup(fields[3])};
    g_ptr_array_add(events, event);
    return TRUE;
}

static void read_events(DmStoreTxn *txn, const char *gateway_id, DmSentRecipient *recipient)
{
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("e", gateway_id, recipient->address, "");
    g_autoptr(GArray) pairs = dm_store_scan(txn, prefix, NULL, DM_EVENT_NOTIFIED);

    for (guint i = 0; i < pairs->len; i++) {
        if (!read_event(&g_array_index(pairs, DmStorePair, i), recipient->events, &txn->error))
            return;
    }
}

static gboolean read_recipient(const DmStorePair *pair, GPtrArray *recipients, GError **error)
{
    DmSentRecipient *recipient = g_new0(DmSentRecipient, 1);

    recipient->events = g_ptr_array_new_with_free_func(free_event);
    g_ptr_array_add(recipients, recipient);
    if (!read_sent(pair->record, &recipient->sent, &recipient->address, error))
        return FALSE;
    if (recipient->address[0] == '\0') {
        g_free(recipient->address);
        recipient->address = g_strdup(dm_journal_part(pair->key, 2));
    }
    return TRUE;
}

GPtrArray *dm_journal_read_recipients(DmStoreTxn *txn, const char *gateway_id)
{
    GPtrArray *recipients = g_ptr_array_new_with_free_func(free_recipient);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("s", gateway_id, "");
    g_autoptr(GArray) pairs = dm_store_scan(txn, prefix, NULL, RECIPIENTS_MAX);

    for (guint i = 0; i < pairs->len; i++) {
        if (!read_recipient(&g_array_index(pairs, DmStorePair, i), recipients, &txn->error))
            break;
        read_events(txn, gateway_id, g_ptr_array_index(recipients, i));
        if (txn->error != NULL)
            break;
    }
    return recipients;
}

GPtrArray *dm_journal_get_recipients(DmJournal *journal, const char *gateway_id, GError **error)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    g_autoptr(GPtrArray) recipients = dm_journal_read_recipients(&txn, gateway_id);
    return dm_store_end(&txn, error) == DM_STORE_DONE ? g_steal_pointer(&recipients) : NULL;
}

static guint decide_all(DmStoreTxn *txn, const char *gateway_id, gboolean resend)
{
    g_autoptr(GPtrArray) recipients = dm_journal_read_recipients(txn, gateway_id);
    guint decided = 0;

    for (guint i = 0; i < recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(recipients, i);
        if (recipient->sent.state != DM_SENT_UNKNOWN)
            continue;
        DmSent after = recipient->sent;
        after.state = resend ? DM_SENT_DEFERRED : DM_SENT_REFUSED;
        after.time = g_get_real_time() / G_USEC_PER_SEC;
        after.code = (char *)(resend ? DM_CODE_RELEASED : DM_CODE_DROPPED);
        after.detail = (char *)"";
        dm_journal_put_recipient(txn, gateway_id, recipient->address, &after);
        decided++;
    }
    return decided;
}

gboolean dm_journal_decide(DmJournal *journal, const char *gateway_id, gboolean resend, guint *decided, GError **error)
{
    DmStoreTxn txn;
    DmStoreEnd end;

    do {
        dm_store_begin(&txn, journal->store);
        *decided = decide_all(&txn, gateway_id, resend);
        end = dm_store_end(&txn, error);
    } while (end == DM_STORE_CONFLICT);
    if (end != DM_STORE_DONE)
        *decided = 0;
    return end == DM_STORE_DONE;
}

static void remove_recipient(DmStoreTxn *txn, const char *gateway_id, const DmSentRecipient *recipient)
{
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};

    dm_store_delete(txn, sent_key(gateway_id, recipient->address));
    dm_journal_index_open(txn, gateway_id, recipient->address, FALSE);
    dm_journal_unindex_name(txn, recipient->sent.provider_id, &entry);
    for (guint i = 0; i < recipient->events->len; i++) {
        const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
        dm_store_delete(txn, event_key(gateway_id, recipient->address, event->kind));
    }
}

void dm_journal_remove_sent(DmStoreTxn *txn, const char *gateway_id, const DmSentMessage *message,
                            const GPtrArray *recipients)
{
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};

    for (guint i = 0; i < recipients->len; i++)
        remove_recipient(txn, gateway_id, g_ptr_array_index(recipients, i));
    if (message == NULL)
        return;
    dm_store_delete(txn, DM_JOURNAL_KEY("m", gateway_id));
    dm_journal_unindex_name(txn, message->queue_id, &entry);
    dm_journal_unindex_name(txn, message->message_id, &entry);
    dm_journal_unindex_name(txn, message->private_id, &entry);
}
