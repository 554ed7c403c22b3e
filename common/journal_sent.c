#include "common/journal.h"

#include "common/journal_index.h"

#include <string.h>

#define PAGE           1000U
#define PRIVATE_ID_MAX 4096 /* bytes; 1024 characters of UTF-8 */

static const DmJournalLayout sent_layout = {2, {8, 9}};
static const DmJournalLayout message_layout = {1, {9}};
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
    g_autoptr(GString) record = NULL;

    *sent = (DmSent){0};
    gboolean good = dm_journal_read(journal, sent_key(gateway_id, recipient), &record, error);
    *found = record != NULL;
    return good && (record == NULL || read_sent(record, sent, NULL, error));
}

static GString *message_record(const DmSentMessage *message)
{
    GString *record = dm_journal_record("1");

    dm_journal_add_number(record, message->time);
    dm_journal_add_text(record, message->tenant, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->queue_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->email, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->demail, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->message_id, DM_JOURNAL_TEXT_MAX);
    dm_journal_add_text(record, message->private_id, PRIVATE_ID_MAX);
    dm_journal_add_number(record, message->options);
    return record;
}

gboolean dm_journal_get_message(DmJournal *journal, const char *gateway_id, DmSentMessage **message, GError **error)
{
    g_autoptr(GString) record = NULL;
    const char *fields[DM_JOURNAL_FIELDS_MAX];
    gint64 time = 0;
    gint64 options = 0;

    *message = NULL;
    if (!dm_journal_read(journal, DM_JOURNAL_KEY("m", gateway_id), &record, error))
        return FALSE;
    if (record == NULL)
        return TRUE;
    if (!dm_journal_split(record, &message_layout, fields, error) ||
        !dm_journal_number(fields[1], 0, G_MAXINT64, &time, error) ||
        !dm_journal_number(fields[8], 0, G_MAXUINT, &options, error))
        return FALSE;
    *message = g_new0(DmSentMessage, 1);
    **message = (DmSentMessage){.gateway_id = g_strdup(gateway_id),
                                .time = time,
                                .tenant = g_strdup(fields[2]),
                                .queue_id = g_strdup(fields[3]),
                                .email = g_strdup(fields[4]),
                                .demail = g_strdup(fields[5]),
                                .message_id = g_strdup(fields[6]),
                                .private_id = g_strdup(fields[7]),
                                .options = (guint)options};
    return TRUE;
}

/* Nothing if the journal has the message: the time at which it came first is what finds it. */
static gboolean add_message(DmJournal *journal, const DmSentMessage *message, GArray *pairs, GError **error)
{
    g_autoptr(GString) known = NULL;
    const DmJournalEntry entry = {message->gateway_id, (char *)"", (char *)""};

    if (!dm_journal_read(journal, DM_JOURNAL_KEY("m", message->gateway_id), &known, error))
        return FALSE;
    if (known != NULL)
        return TRUE;
    dm_journal_pairs_add(pairs, DM_JOURNAL_KEY("m", message->gateway_id), message_record(message));
    dm_journal_index_time(pairs, message->time, &entry);
    dm_journal_index_name(pairs, message->queue_id, &entry);
    dm_journal_index_name(pairs, message->message_id, &entry);
    if (strcmp(message->private_id, message->gateway_id) != 0)
        dm_journal_index_name(pairs, message->private_id, &entry);
    return TRUE;
}

gboolean dm_journal_put_sent(DmJournal *journal, const char *gateway_id, const DmSentMessage *message,
                             char *const *recipients, const DmSent *sent, gsize n, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    const DmJournalEntry entry = {(char *)gateway_id, (char *)"", (char *)""};

    if (message != NULL && !add_message(journal, message, pairs, error))
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        dm_journal_pairs_add(pairs, sent_key(gateway_id, recipients[i]), sent_record(recipients[i], &sent[i]));
        if (i == 0 || g_strcmp0(sent[i].provider_id, sent[i - 1].provider_id) != 0)
            dm_journal_index_name(pairs, sent[i].provider_id, &entry);
    }
    return dm_journal_write(journal, pairs, error);
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

gboolean dm_journal_put_event(DmJournal *journal, const char *gateway_id, char *const *recipients,
                              const DmSentEvent *event, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();

    for (char *const *recipient = recipients; *recipient != NULL; recipient++) {
        g_autoptr(GString) known = NULL;

        if (!dm_journal_read(journal, event_key(gateway_id, *recipient, event->kind), &known, error))
            return FALSE;
        if (known == NULL)
            dm_journal_pairs_add(pairs, event_key(gateway_id, *recipient, event->kind), event_record(event));
    }
    return pairs->len == 0 || dm_journal_write(journal, pairs, error);
}

static gboolean read_event(const DmJournalPair *pair, GPtrArray *events, GError **error)
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

static gboolean add_events(DmJournal *journal, const char *gateway_id, DmSentRecipient *recipient, GError **error)
{
    g_autoptr(GArray) pairs = dm_journal_pairs_new();
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("e", gateway_id, recipient->address, "");

    if (!dm_journal_scan(journal, prefix, NULL, DM_EVENT_NOTIFIED, pairs, error))
        return FALSE;
    for (guint i = 0; i < pairs->len; i++) {
        if (!read_event(&g_array_index(pairs, DmJournalPair, i), recipient->events, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_recipient(DmJournal *journal, const char *gateway_id, const DmJournalPair *pair,
                              GPtrArray *recipients, GError **error)
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
    return add_events(journal, gateway_id, recipient, error);
}

GPtrArray *dm_journal_get_recipients(DmJournal *journal, const char *gateway_id, GError **error)
{
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func(free_recipient);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("s", gateway_id, "");
    g_autoptr(GString) after = g_string_new_len(prefix->str, (gssize)prefix->len);
    guint found = PAGE;

    while (found == PAGE) {
        g_autoptr(GArray) pairs = dm_journal_pairs_new();

        if (!dm_journal_scan(journal, prefix, after, PAGE, pairs, error))
            return NULL;
        found = pairs->len;
        for (guint i = 0; i < found; i++) {
            const DmJournalPair *pair = &g_array_index(pairs, DmJournalPair, i);
            if (!add_recipient(journal, gateway_id, pair, recipients, error))
                return NULL;
            g_string_truncate(after, 0);
            g_string_append_len(after, pair->key->str, (gssize)pair->key->len);
        }
    }
    return g_steal_pointer(&recipients);
}
