/*
 * make_journal DIR: writes a journal into DIR. Each line of standard input is a JSON object, a sent De-Mail
 *     {"sent": id, "time": t, "tenant": …, "unit": …, "options": "private,receipt", "email": …, "queue_id": …,
 *      "recipients": [{"address": …, "state": "accepted", "events": ["dispatched", …]}]}
 * or a received one
 *     {"received": id, "time": t, "tenant": …, "type": …, "sender": …}
 */
#include "common/demail.h"
#include "common/journal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return (char *)(value != NULL ? value : "");
}

static gint64 number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static DmSentState state_of(const char *word)
{
    for (DmSentState state = DM_SENT_SUBMITTING; state < DM_SENT_UNKNOWN; state++) {
        if (strcmp(dm_sent_state_word(state), word) == 0)
            return state;
    }
    return DM_SENT_UNKNOWN;
}

static gboolean put_events(DmJournal *journal, const json_t *sent, const json_t *recipient, GError **error)
{
    char *const recipients[] = {text(recipient, "address"), NULL};
    const json_t *events = json_object_get(recipient, "events");

    for (gsize i = 0; i < json_array_size(events); i++) {
        DmSentEvent event = {DM_EVENT_DISPATCHED, number(sent, "time") + (gint64)i + 1, (char *)"m-1", (char *)""};
        while (event.kind < DM_EVENT_NOTIFIED &&
               strcmp(dm_sent_event_word(event.kind), json_string_value(json_array_get(events, i))) != 0)
            event.kind++;
        if (!dm_journal_put_event(journal, text(sent, "sent"), recipients, &event, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean put_sent(DmJournal *journal, const json_t *sent, GError **error)
{
    const json_t *recipients = json_object_get(sent, "recipients");
    DmSentMessage message = {.gateway_id = text(sent, "sent"),
                             .time = number(sent, "time"),
                             .tenant = text(sent, "tenant"),
                             .queue_id = text(sent, "queue_id"),
                             .email = text(sent, "email"),
                             .private_id = text(sent, "sent"),
                             .unit = text(sent, "unit")};

    if (text(sent, "options")[0] != '\0')
        dm_options_parse(text(sent, "options"), &message.options);
    for (gsize i = 0; i < json_array_size(recipients); i++) {
        const json_t *recipient = json_array_get(recipients, i);
        char *address = text(recipient, "address");
        const DmSent state = {.state = state_of(text(recipient, "state")),
                              .time = message.time,
                              .tenant = message.tenant,
                              .queue_id = message.queue_id};
        if (!dm_journal_put_sent(journal, message.gateway_id, &message, &address, &state, 1, error) ||
            !put_events(journal, sent, recipient, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean put_received(DmJournal *journal, const json_t *object, GError **error)
{
    const DmReceived received = {.state = DM_RECEIVED_ACKNOWLEDGED,
                                 .time = number(object, "time") + 5,
                                 .fetched = number(object, "time"),
                                 .type = text(object, "type"),
                                 .sender = text(object, "sender"),
                                 .verified = (char *)"pass"};

    return dm_journal_put_received(journal, text(object, "tenant"), text(object, "received"), &received, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmJournal) journal = argc == 2 ? dm_journal_open(argv[1], DM_JOURNAL_OWN, &error) : NULL;
    char *line = NULL;
    size_t size = 0;
    gboolean good = journal != NULL;

    while (good && getline(&line, &size, stdin) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        good = object != NULL && (json_object_get(object, "sent") != NULL ? put_sent(journal, object, &error)
                                                                          : put_received(journal, object, &error));
        json_decref(object);
    }
    free(line);
    if (!good)
        fprintf(stderr, "make_journal: %s\n", error != NULL ? error->message : "what is there to be written?");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
