#include "ctl/entry_view.h"

#include "common/demail.h"
#include "ctl/output.h"

#include <stdio.h>
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

gboolean dm_entry_view_has_state(const DmEntryView *view, const char *state)
{
    if (!dm_entry_view_is_sent(view))
        return strcmp(dm_received_state_word(view->received.state), state) == 0;
    for (guint i = 0; i < view->recipients->len; i++) {
        if (strcmp(dm_sent_recipient_state(g_ptr_array_index(view->recipients, i)), state) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Seconds since 1970 as ISO 8601; empty for 0. */
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
    json_t *history = json_array();

    json_array_append_new(history, json_pack("{s:s, s:o}", "event", dm_sent_state_word(recipient->sent.state), "time",
                                             json_time(recipient->sent.time)));
    for (guint i = 0; i < recipient->events->len; i++) {
        const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
        json_array_append_new(history, json_pack("{s:s, s:o, s:o, s:o}", "event", dm_sent_event_word(event->kind),
                                                 "time", json_time(event->time), "id", json_text(event->provider_id),
                                                 "detail", json_text(event->detail)));
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

/* For people. */
static char *plain(const char *text)
{
    return dm_output_plain(text != NULL && text[0] != '\0' ? text : "-");
}

static void print_sent_line(const DmEntryView *view, const DmSentRecipient *recipient)
{
    g_autofree char *time = dm_output_time(view->message != NULL ? view->message->time : recipient->sent.time);
    g_autofree char *tenant = plain(view->tenant);
    g_autofree char *sender = plain(view->message != NULL ? view->message->email : NULL);
    g_autofree char *address = plain(recipient->address);

    printf("%s  sent      %-13s %s  %s  %s -> %s\n", time, dm_sent_recipient_state(recipient), view->gateway_id, tenant,
           sender, address);
}

static void print_received_line(const DmEntryView *view)
{
    const DmReceived *r = &view->received;
    g_autofree char *time = dm_output_time(r->fetched != 0 ? r->fetched : r->time);
    g_autofree char *id = plain(view->provider_id);
    g_autofree char *tenant = plain(view->tenant);
    g_autofree char *sender = plain(r->sender);
    g_autofree char *type = plain(r->type);
    g_autofree char *verified = plain(r->verified);

    printf("%s  received  %-13s %s  %s  %s  %s, verified=%s\n", time, dm_received_state_word(r->state), id, tenant,
           sender, type, verified);
}

void dm_entry_view_print_line(const DmEntryView *view, const char *state)
{
    if (!dm_entry_view_is_sent(view)) {
        print_received_line(view);
        return;
    }
    for (guint i = 0; i < view->recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(view->recipients, i);
        if (state == NULL || strcmp(dm_sent_recipient_state(recipient), state) == 0)
            print_sent_line(view, recipient);
    }
}

/* Nothing for an empty value. */
static void print_field(const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    g_autofree char *text = plain(value);
    printf("  %-13s %s\n", name, text);
}

static void print_step(gint64 when, const char *event, const char *first, const char *second)
{
    g_autofree char *time = dm_output_time(when);
    g_autofree char *one = plain(first);
    g_autofree char *two = plain(second);

    printf("    %s  %-13s %s  %s\n", time, event, one, two);
}

static void print_recipient(const DmSentRecipient *recipient)
{
    const DmSent *sent = &recipient->sent;
    g_autofree char *address = plain(recipient->address);

    printf("  %s: %s\n", address, dm_sent_recipient_state(recipient));
    print_step(sent->time, dm_sent_state_word(sent->state),
               sent->provider_id[0] != '\0' ? sent->provider_id : sent->code, sent->detail);
    for (guint i = 0; i < recipient->events->len; i++) {
        const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
        print_step(event->time, dm_sent_event_word(event->kind), event->provider_id, event->detail);
    }
}

static void print_message(const DmSentMessage *message)
{
    g_autofree char *time = dm_output_time(message->time);
    g_autofree char *options = dm_options_format(message->options);

    print_field("submitted", time);
    print_field("queue id", message->queue_id);
    print_field("private id", message->private_id);
    print_field("Message-ID", message->message_id);
    print_field("sender", message->email);
    print_field("as", message->demail);
    print_field("unit", message->unit);
    print_field("options", options);
}

static void print_received(const DmReceived *received)
{
    g_autofree char *fetched = dm_output_time(received->fetched);
    g_autofree char *changed = dm_output_time(received->time);

    print_field("fetched", fetched);
    print_field("state", dm_received_state_word(received->state));
    print_field("since", changed);
    print_field("type", received->type);
    print_field("private id", received->private_id);
    print_field("sender", received->sender);
    print_field("verified", received->verified);
    print_field("reasons", received->reasons);
    print_field("about", received->about);
}

void dm_entry_view_print_all(const DmEntryView *view)
{
    g_autofree char *tenant = plain(view->tenant);
    g_autofree char *id = plain(dm_entry_view_is_sent(view) ? view->gateway_id : view->provider_id);

    printf("%s %s, tenant %s\n", dm_entry_view_is_sent(view) ? "sent" : "received", id, tenant);
    if (view->message != NULL)
        print_message(view->message);
    for (guint i = 0; view->recipients != NULL && i < view->recipients->len; i++)
        print_recipient(g_ptr_array_index(view->recipients, i));
    if (!dm_entry_view_is_sent(view))
        print_received(&view->received);
}
