#include "common/demail.h"
#include "common/journal_index.h"
#include "common/journal_received.h"
#include "common/journal_sent.h"

#include <string.h>

#define PAGE 50U /* De-Mails of a batch; a De-Mail has about ten keys */

static gboolean has_event(const DmSentRecipient *recipient, DmSentEventKind kind)
{
    for (guint i = 0; i < recipient->events->len; i++) {
        const DmSentEvent *event = g_ptr_array_index(recipient->events, i);
        if (event->kind == kind)
            return TRUE;
    }
    return FALSE;
}

/* Whether a confirmation that was asked for may still come. What can't be delivered is dispatched, not more. */
static gboolean is_waiting(const DmSentRecipient *recipient, guint options)
{
    gboolean ended = has_event(recipient, DM_EVENT_UNDELIVERABLE);

    if ((options & DM_OPTION_DISPATCH) != 0 && !has_event(recipient, DM_EVENT_DISPATCHED))
        return TRUE;
    if ((options & DM_OPTION_RECEIPT) != 0 && !ended && !has_event(recipient, DM_EVENT_RECEIVED))
        return TRUE;
    return (options & DM_OPTION_RETRIEVE) != 0 && !ended && !has_event(recipient, DM_EVENT_RETRIEVED);
}

static gint64 last_change(const DmSentRecipient *recipient)
{
    gint64 last = recipient->sent.time;

    for (guint i = 0; i < recipient->events->len; i++)
        last = MAX(last, ((const DmSentEvent *)g_ptr_array_index(recipient->events, i))->time);
    return last;
}

static gboolean recipient_stays(const DmSentRecipient *recipient, guint options, gint64 before)
{
    if (last_change(recipient) >= before)
        return TRUE;
    switch (recipient->sent.state) {
    case DM_SENT_SUBMITTING:
    case DM_SENT_UNKNOWN:
        return TRUE;
    case DM_SENT_ACCEPTED:
        return is_waiting(recipient, options);
    case DM_SENT_REFUSED:
    case DM_SENT_DEFERRED: /* the MTA has given up long since, and the stamp is too old */
        break;
    }
    return FALSE;
}

/* TRUE if it goes; *counts: as a De-Mail. A De-Mail without recipients is what finds one that is gone. */
static gboolean expire_sent(DmStoreTxn *txn, const char *gateway_id, gint64 before, gboolean *counts)
{
    g_autoptr(DmSentMessage) message = dm_journal_read_message(txn, gateway_id);
    g_autoptr(GPtrArray) recipients = dm_journal_read_recipients(txn, gateway_id);
    guint options = message != NULL ? message->options : 0;

    if (txn->error != NULL)
        return FALSE;
    for (guint i = 0; i < recipients->len; i++) {
        if (recipient_stays(g_ptr_array_index(recipients, i), options, before))
            return FALSE;
    }
    dm_journal_remove_sent(txn, gateway_id, message, recipients);
    *counts = recipients->len > 0;
    return TRUE;
}

static gboolean expire_received(DmStoreTxn *txn, const DmJournalEntry *entry, gint64 before, gboolean *counts)
{
    DmReceived received;

    *counts = dm_journal_read_received(txn, entry->tenant, entry->provider_id, &received);
    gboolean goes =
        txn->error == NULL && (!*counts || (received.state == DM_RECEIVED_ACKNOWLEDGED && received.time < before));
    if (goes)
        dm_journal_remove_received(txn, entry, &received);
    dm_received_clear(&received);
    return goes;
}

typedef struct {
    DmJournal *journal;
    gint64 before;
    GString *after; /* the last key by time that has been looked at */
    gboolean ended;
    guint expired;
} Expiry;

/* NULL on error. A batch of its own: what comes to the list while the page is worked on does not matter. */
static GArray *next_page(const Expiry *x, GError **error)
{
    g_autofree char *word = dm_journal_time_word(x->before);
    g_autoptr(GString) prefix = DM_JOURNAL_KEY("t", "");
    DmStoreTxn txn;
    guint n = 0;

    dm_store_begin(&txn, x->journal->store);
    g_autoptr(GArray) pairs = dm_store_scan(&txn, prefix, x->after, PAGE);
    if (dm_store_end(&txn, error) != DM_STORE_DONE)
        return NULL;
    while (n < pairs->len && strcmp(dm_journal_part(g_array_index(pairs, DmStorePair, n).key, 1), word) < 0)
        n++;
    g_array_set_size(pairs, n);
    return g_steal_pointer(&pairs);
}

static guint expire_page(DmStoreTxn *txn, const Expiry *x, const GArray *pairs)
{
    guint expired = 0;

    for (guint i = 0; txn->error == NULL && i < pairs->len; i++) {
        const DmStorePair *pair = &g_array_index(pairs, DmStorePair, i);
        DmJournalEntry entry;
        gboolean counts = FALSE;

        if (!dm_journal_read_entry(pair, &entry, &txn->error))
            break;
        gboolean goes = entry.gateway_id[0] != '\0' ? expire_sent(txn, entry.gateway_id, x->before, &counts)
                                                    : expire_received(txn, &entry, x->before, &counts);
        if (goes)
            dm_store_delete(txn, g_string_new_len(pair->key->str, (gssize)pair->key->len));
        expired += goes && counts;
    }
    return expired;
}

static gboolean expire_next(Expiry *x, GError **error)
{
    g_autoptr(GArray) pairs = next_page(x, error);
    guint expired = 0;
    DmStoreTxn txn;
    DmStoreEnd end;

    if (pairs == NULL)
        return FALSE;
    do {
        dm_store_begin(&txn, x->journal->store);
        expired = expire_page(&txn, x, pairs);
        end = dm_store_end(&txn, error);
    } while (end == DM_STORE_CONFLICT);
    if (end != DM_STORE_DONE)
        return FALSE;
    x->expired += expired;
    x->ended = pairs->len < PAGE;
    if (!x->ended)
        dm_journal_go_on(pairs, x->after);
    return TRUE;
}

gboolean dm_journal_expire(DmJournal *journal, gint64 before, gboolean (*going)(gpointer data), gpointer data,
                           guint *expired, GError **error)
{
    g_autoptr(GString) after = DM_JOURNAL_KEY("t", "");
    Expiry x = {journal, before, after, FALSE, 0};
    gboolean good = dm_store_check_readers(journal->store, error);

    while (good && !x.ended && (going == NULL || going(data)))
        good = expire_next(&x, error);
    *expired = x.expired;
    return good;
}
