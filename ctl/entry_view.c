#include "ctl/entry_view.h"

#include "common/demail.h"
#include "ctl/output.h"

#include <string.h>

gboolean dm_entry_view_is_sent(const DmEntryView *view)
{
    return view->gateway_id[0] != '\0';
}

gint64 dm_entry_view_time(const DmEntryView *view)
{
    if (!dm_entry_view_is_sent(view))
        return view->received.fetched != 0 ? view->received.fetched : view->received.time;
    if (view->message != NULL)
        return view->message->time;
    return ((const DmSentRecipient *)g_ptr_array_index(view->recipients, 0))->sent.time;
}

static gboolean load_sent(DmJournal *journal, DmEntryView *view, gboolean *found, GError **error)
{
    if (!dm_journal_get_message(journal, view->gateway_id, &view->message, error))
        return FALSE;
    view->recipients = dm_journal_get_recipients(journal, view->gateway_id, error);
    if (view->recipients == NULL)
        return FALSE;
    *found = view->recipients->len > 0;
    if (*found) {
        const DmSentRecipient *first = g_ptr_array_index(view->recipients, 0);
        g_free(view->tenant);
        view->tenant = g_strdup(first->sent.tenant);
    }
    return TRUE;
}

gboolean dm_entry_view_load(DmJournal *journal, const DmJournalEntry *entry, DmEntryView *view, gboolean *found,
                            GError **error)
{
    *view = (DmEntryView){.gateway_id = g_strdup(entry->gateway_id),
                          .tenant = g_strdup(entry->tenant),
                          .provider_id = g_strdup(entry->provider_id)};
    if (dm_entry_view_is_sent(view))
        return load_sent(journal, view, found, error);
    return dm_journal_get_received(journal, view->tenant, view->provider_id, &view->received, found, error);
}

void dm_entry_view_clear(DmEntryView *view)
{
    g_clear_pointer(&view->gateway_id, g_free);
    g_clear_pointer(&view->tenant, g_free);
    g_clear_pointer(&view->provider_id, g_free);
    g_clear_pointer(&view->message, dm_sent_message_free);
    g_clear_pointer(&view->recipients, g_ptr_array_unref);
    dm_received_clear(&view->received);
}

const char *const *dm_entry_view_states(void)
{
    static const char *const states[] = {"submitting", "unknown",   "accepted",      "refused",      "deferred",
                                         "dispatched", "notified",  "undeliverable", "received",     "retrieved",
                                         "fetched",    "injecting", "injected",      "acknowledged", NULL};

    return states;
}

/* Of several at the same time the first stays before the others. */
static void insert_step(GArray *steps, const DmEntryStep *step)
{
    guint at = steps->len;

    while (at > 0 && g_array_index(steps, DmEntryStep, at - 1).time > step->time)
        at--;
    g_array_insert_val(steps, at, *step);
}

GArray *dm_entry_view_steps(const DmSentRecipient *recipient)
{
    const DmSent *sent = &recipient->sent;
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(DmEntryStep));
    const DmEntryStep first = {sent->time, dm_sent_state_word(sent->state),
                               sent->provider_id[0] != '\0' ? sent->provider_id : sent->code, sent->detail};

    insert_step(steps, &first);
    for (guint i = 0; i < recipient->events->len; i++) {
        const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
        const DmEntryStep step = {event->time, dm_sent_event_word(event->kind), event->provider_id, event->detail};
        insert_step(steps, &step);
    }
    return steps;
}

static json_t *json_text(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);

    return json_string(valid);
}

static json_t *json_time(gint64 time)
{
    g_autofree char *text = dm_output_time(time);

    return text[0] != '\0' ? json_string(text) : json_null();
}

/* The words of a list separated by commas; none for an empty one. */
static json_t *json_words(const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    json_t *array = json_array();

    for (char **word = words; *word != NULL; word++)
        json_array_append_new(array, json_text(*word));
    return array;
}

static json_t *json_history(const DmSentRecipient *recipient)
{
    g_autoptr(GArray) steps = dm_entry_view_steps(recipient);
    json_t *history = json_array();

    for (guint i = 0; i < steps->len; i++) {
        const DmEntryStep *step = &g_array_index(steps, DmEntryStep, i);
        json_array_append_new(history,
                              json_pack("{s:s, s:o, s:o, s:o}", "event", step->event, "time", json_time(step->time),
                                        "id", json_text(step->id), "detail", json_text(step->detail)));
    }
    return history;
}

static json_t *json_recipients(const DmEntryView *view)
{
    json_t *array = json_array();

    for (guint i = 0; i < view->recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(view->recipients, i);
        json_array_append_new(
            array, json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "address", json_text(recipient->address), "state",
                             dm_sent_recipient_state(recipient), "provider_id", json_text(recipient->sent.provider_id),
                             "code", json_text(recipient->sent.code), "detail", json_text(recipient->sent.detail),
                             "history", json_history(recipient)));
    }
    return array;
}

static json_t *json_sent(const DmEntryView *view)
{
    const DmSentMessage none = {0};
    const DmSentMessage *message = view->message != NULL ? view->message : &none;
    const DmSentRecipient *first = g_ptr_array_index(view->recipients, 0);
    g_autofree char *options = message->options != 0 ? dm_options_format(message->options) : g_strdup("");

    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "direction", "sent", "gateway_id",
                     view->gateway_id, "tenant", json_text(view->tenant), "unit", json_text(message->unit), "time",
                     json_time(view->message != NULL ? message->time : first->sent.time), "queue_id",
                     json_text(first->sent.queue_id), "private_id", json_text(message->private_id), "message_id",
                     json_text(message->message_id), "sender", json_text(message->email), "demail",
                     json_text(message->demail), "options", json_words(options), "recipients", json_recipients(view));
}

static json_t *json_received(const DmEntryView *view)
{
    const DmReceived *r = &view->received;

    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "direction", "received",
                     "provider_id", json_text(view->provider_id), "tenant", json_text(view->tenant), "time",
                     json_time(r->fetched != 0 ? r->fetched : r->time), "state", dm_received_state_word(r->state),
                     "changed", json_time(r->time), "type", json_text(r->type), "private_id", json_text(r->private_id),
                     "sender", json_text(r->sender), "verified", json_text(r->verified), "reasons",
                     json_words(r->reasons), "about", json_text(r->about));
}

json_t *dm_entry_view_json(const DmEntryView *view)
{
    return dm_entry_view_is_sent(view) ? json_sent(view) : json_received(view);
}
