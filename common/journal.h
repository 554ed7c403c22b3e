/*
 * The journal: what became of every De-Mail, so that none is sent or handed in twice, and so that confirmations find
 * what they confirm. LMDB below state_dir.
 *
 * One process owns it (the poller; a lock file keeps a second one out), others read, or write an administrator's word.
 * Every put is durable on the disk when it returns, whole or not at all, and is not made on what another thread or
 * process has changed meanwhile. Records are typed and carry a version; older versions are read, a newer one is
 * refused. Errors are DM_ERROR_TEMPORARY (full disk, I/O: nothing is changed, and the same call works once the disk
 * does) but for dm_journal_open(): DM_ERROR_UNAVAILABLE (another process has it), DM_ERROR_NOPERM, DM_ERROR_NOINPUT
 * (none there), DM_ERROR_CONFIG (format). All functions may be called from any thread, and from the functions that
 * lists call.
 *
 * The file DIR/journal.lmdb. Keys are texts with NUL between the parts, records are a version and fields separated by
 * NUL. Where a key would be longer than 511 bytes, its parts of more than 128 are replaced by their SHA-256.
 *     "s" <gateway id> <recipient, lower case> -> "2" <state> <time> <tenant> <queue id> <provider id> <code> <detail>
 *                                                    <recipient>                  ("1": without <recipient>)
 *     "m" <gateway id> -> "2" <time> <tenant> <queue id> <e-mail address> <De-Mail address> <Message-ID> <private id>
 *                             <options> <unit>                                    ("1": without <unit>)
 *     "e" <gateway id> <recipient, lower case> <event> -> "1" <time> <provider id> <detail>
 *     "r" <tenant> <provider's message id> -> "2" <state> <time> <type> <private id> <fetched> <verified> <reasons>
 *                                                 <sender> <about>                ("1": up to <private id>)
 *     "i" <tenant> <provider's message id> <e-mail address, lower case> -> "1" <time>
 * and what finds them: by name (private id, queue id …); by the time (16 hex digits) of the first record, one for
 * each De-Mail; the recipients that are submitting or unknown; and what is injected but not acknowledged:
 *     "n" <SHA-256 of the name> <what is found>, "t" <time> <what is found>, "o" <gateway id> <recipient, lower case>,
 *     "u" <tenant> <provider's message id>
 *         -> "1" <gateway id> <> <>  or  "1" <> <tenant> <provider's message id>
 * and the format of the file:
 *     "f" -> "2" (none: without "t", "o" and "u"; "1": without "o" and "u"). Opening by the owner brings it up to date;
 *            until then others may read, but not amend or list what is open. A newer format is refused.
 */
#ifndef DEMAIL_COMMON_JOURNAL_H
#define DEMAIL_COMMON_JOURNAL_H

#include "common/error.h"

#include <glib.h>

typedef struct DmJournal DmJournal;

typedef enum {
    DM_SENT_SUBMITTING = 1, /* written before the first byte leaves */
    DM_SENT_ACCEPTED,       /* final */
    DM_SENT_REFUSED,        /* final */
    DM_SENT_DEFERRED,       /* nothing was sent; may be tried again */
    DM_SENT_UNKNOWN,        /* was submitting, and the provider can't tell what became of it */
} DmSentState;

/* What the provider said about one recipient of a De-Mail. */
typedef struct {
    DmSentState state;
    gint64 time; /* of this state */
    char *tenant;
    char *queue_id;    /* the MTA's */
    char *provider_id; /* when accepted; else empty */
    char *code;        /* the provider's code of a refusal or deferral; else empty */
    char *detail;      /* the provider's words; else empty */
} DmSent;

/* A De-Mail as it was handed in. */
typedef struct {
    char *gateway_id;
    gint64 time; /* when it was first submitted */
    char *tenant;
    char *queue_id;   /* the MTA's */
    char *email;      /* of the sender: where confirmations go */
    char *demail;     /* of the sender */
    char *message_id; /* the field Message-ID, with brackets; may be empty */
    char *private_id; /* decoded, UTF-8 */
    guint options;    /* set of DmOption that was requested */
    char *unit;       /* organisational unit that the sender belonged to at that time; may be empty */
} DmSentMessage;

/* What confirmations and notifications say of a recipient. */
typedef enum {
    DM_EVENT_DISPATCHED = 1,
    DM_EVENT_RECEIVED,
    DM_EVENT_RETRIEVED,
    DM_EVENT_UNDELIVERABLE,
    DM_EVENT_NOTIFIED, /* something else that a notification says */
} DmSentEventKind;

typedef struct {
    DmSentEventKind kind;
    gint64 time;
    char *provider_id; /* of the message that says so */
    char *detail;      /* the type of a notification; else empty */
} DmSentEvent;

/* One recipient with all that is known. */
typedef struct {
    char *address;
    DmSent sent;
    GPtrArray *events; /* of DmSentEvent *, by kind */
} DmSentRecipient;

typedef enum {
    DM_RECEIVED_FETCHED = 1, /* complete and judged in a file; nothing injected yet */
    DM_RECEIVED_INJECTING,   /* the MTA may have it */
    DM_RECEIVED_INJECTED,    /* the MTA has it */
    DM_RECEIVED_ACKNOWLEDGED /* the provider knows; the end */
} DmReceivedState;

typedef struct {
    DmReceivedState state;
    gint64 time;      /* of this state */
    char *type;       /* X-de-mail-message-type */
    char *private_id; /* or empty */
    gint64 fetched;   /* when it was first fetched; 0 in a record of version 1 */
    char *verified;   /* pass, fail or none; empty in a record of version 1 */
    char *reasons;    /* of a failure, separated by commas */
    char *sender;     /* X-de-mail-sender; may be empty */
    char *about;      /* gateway id of the De-Mail that it speaks of, or empty */
} DmReceived;

/* A sent De-Mail, or a received one. */
typedef struct {
    char *gateway_id;  /* of a sent one; else empty */
    char *tenant;      /* of a received one, and */
    char *provider_id; /* its id at the provider; else empty */
} DmJournalEntry;

void dm_sent_clear(DmSent *sent);
void dm_received_clear(DmReceived *received);
void dm_sent_message_free(DmSentMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSentMessage, dm_sent_message_free)

/* Codes that the administrator's decision about a recipient leaves in place of a provider's. */
#define DM_CODE_RELEASED "released" /* deferred: may be sent again */
#define DM_CODE_DROPPED  "dropped"  /* refused: given up */

typedef enum {
    DM_JOURNAL_READ,
    DM_JOURNAL_OWN,   /* the poller's: makes and upgrades the file, keeps other owners out */
    DM_JOURNAL_AMEND, /* beside a running owner, or without one: dm_journal_decide(), and reading */
} DmJournalMode;

DmJournal *dm_journal_open(const char *dir, DmJournalMode mode, GError **error);
void dm_journal_close(DmJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmJournal, dm_journal_close)

/* The state of one recipient of one De-Mail; *found tells whether there is one. */
gboolean dm_journal_get_sent(DmJournal *journal, const char *gateway_id, const char *recipient, DmSent *sent,
                             gboolean *found, GError **error);

/* Sets n recipients of one De-Mail in one transaction. `recipients` and `sent` run in parallel. `message` (may be NULL)
 * is written with them unless the journal has it already. A recipient that is accepted or refused, because somebody
 * else has settled it meanwhile, keeps that unless it becomes the other of the two; that it is to be submitting is then
 * DM_ERROR_TEMPORARY, and nothing is written. */
gboolean dm_journal_put_sent(DmJournal *journal, const char *gateway_id, const DmSentMessage *message,
                             char *const *recipients, const DmSent *sent, gsize n, GError **error);

/* *message = NULL if the journal does not have it, or only in the form of older versions. */
gboolean dm_journal_get_message(DmJournal *journal, const char *gateway_id, DmSentMessage **message, GError **error);

/* Its recipients (DmSentRecipient *), in the order of their addresses. NULL on error. */
GPtrArray *dm_journal_get_recipients(DmJournal *journal, const char *gateway_id, GError **error);

/* How far a recipient is: submitting, accepted, refused, deferred, dispatched, notified, undeliverable, received,
 * retrieved. What a signed receipt proves stands against any notification. */
const char *dm_sent_recipient_state(const DmSentRecipient *recipient);
const char *dm_sent_state_word(DmSentState state);

/* Whether nobody knows yet if it was sent: submitting or unknown. */
gboolean dm_sent_state_is_open(DmSentState state);

const char *dm_sent_event_word(DmSentEventKind kind);
const char *dm_received_state_word(DmReceivedState state);

/* Records the event for those of the recipients (NULL-terminated) that the De-Mail has, in one transaction. The first
 * of a kind stays, whatever comes later. A recipient that is unknown becomes
 * accepted by what proves that it was received. */
gboolean dm_journal_put_event(DmJournal *journal, const char *gateway_id, char *const *recipients,
                              const DmSentEvent *event, GError **error);

gboolean dm_journal_get_received(DmJournal *journal, const char *tenant, const char *provider_id, DmReceived *received,
                                 gboolean *found, GError **error);
gboolean dm_journal_put_received(DmJournal *journal, const char *tenant, const char *provider_id,
                                 const DmReceived *received, GError **error);

/* Whether the MTA has taken an incoming message for this e-mail address, itself or the catch-all in its place. */
gboolean dm_journal_get_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gboolean *injected, GError **error);
gboolean dm_journal_put_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gint64 time, GError **error);

/* Entries (DmJournalEntry *) that go by this name: a gateway id, queue id, private id, Message-ID or the provider's id.
 * NULL on error. */
GPtrArray *dm_journal_find(DmJournal *journal, const char *name, GError **error);

/* FALSE ends a list. */
typedef gboolean (*DmJournalVisit)(const DmJournalEntry *entry, gpointer data, GError **error);

/* Calls `each` for every sent De-Mail that has a recipient with the state submitting or unknown, once, in no order;
 * like dm_journal_list(). The number of other entries does not count. */
gboolean dm_journal_list_open(DmJournal *journal, DmJournalVisit each, gpointer data, GError **error);

/* The same for every De-Mail that the tenant received, that the MTA has, and of which the journal does not know that it
 * was acknowledged. */
gboolean dm_journal_list_unacknowledged(DmJournal *journal, const char *tenant, DmJournalVisit each, gpointer data,
                                        GError **error);

/* The administrator's word about recipients of a De-Mail that are unknown: with `resend` they become deferred, code
 * DM_CODE_RELEASED, else refused, code DM_CODE_DROPPED. Others stay as they are, also where another process changes
 * them at the same time. *decided: how many. */
gboolean dm_journal_decide(DmJournal *journal, const char *gateway_id, gboolean resend, guint *decided, GError **error);

/* Removes De-Mails of which nothing has changed since the time `before`, with all that finds them, and gives the places
 * of readers that died back. `before` must be older than stamp_max_age: a message with a gateway id that is gone is
 * then refused by its stamp. Stays: what has a recipient that is submitting or unknown, or that was accepted with
 * options whose confirmations have not all come (after "undeliverable" only that of dispatch is waited for); what was
 * received but not acknowledged. What is still deferred goes: the MTA gave it up long since. Each transaction is short
 * (50 De-Mails). `going` (may be NULL) is asked between them; where it returns FALSE that is the end for now. *expired:
 * how many De-Mails, also on error. */
gboolean dm_journal_expire(DmJournal *journal, gint64 before, gboolean (*going)(gpointer data), gpointer data,
                           guint *expired, GError **error);

/* Calls `each` for what was sent and received from the time `since` on, oldest first; memory does not grow with their
 * number. Ends early, with FALSE, where `each` returns FALSE. */
gboolean dm_journal_list(DmJournal *journal, gint64 since, DmJournalVisit each, gpointer data, GError **error);

#endif
