/*
 * The journal: what became of every De-Mail, so that none is sent or handed in twice. LMDB below state_dir.
 *
 * One process writes (the poller; a lock file keeps a second one out), others may read. Every put is durable on the
 * disk when it returns. Records are typed and carry a version; a newer version is refused. Errors are
 * DM_ERROR_TEMPORARY (full disk, I/O) but for dm_journal_open(): DM_ERROR_UNAVAILABLE (another process has it),
 * DM_ERROR_NOPERM, DM_ERROR_CONFIG (format). All functions may be called from any thread.
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
} DmSentState;

typedef struct {
    DmSentState state;
    gint64 time; /* of this state */
    char *tenant;
    char *queue_id;    /* the MTA's */
    char *provider_id; /* when accepted; else empty */
    char *code;        /* the provider's code of a refusal or deferral; else empty */
    char *detail;      /* the provider's words; else empty */
} DmSent;

typedef enum {
    DM_RECEIVED_FETCHED = 1, /* complete and verified in a file; nothing injected yet */
    DM_RECEIVED_INJECTING,   /* the MTA may have it */
    DM_RECEIVED_INJECTED,    /* the MTA has it */
    DM_RECEIVED_ACKNOWLEDGED /* the provider knows; the end */
} DmReceivedState;

typedef struct {
    DmReceivedState state;
    gint64 time;
    char *type;       /* X-de-mail-message-type */
    char *private_id; /* or empty */
} DmReceived;

void dm_sent_clear(DmSent *sent);
void dm_received_clear(DmReceived *received);

/* Opens, and for writing makes, the journal in `dir`. */
DmJournal *dm_journal_open(const char *dir, gboolean read_only, GError **error);
void dm_journal_close(DmJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmJournal, dm_journal_close)

/* The state of one recipient of one De-Mail; *found tells whether there is one. */
gboolean dm_journal_get_sent(DmJournal *journal, const char *gateway_id, const char *recipient, DmSent *sent,
                             gboolean *found, GError **error);

/* Sets n recipients of one De-Mail in one transaction. `recipients` and `sent` run in parallel. */
gboolean dm_journal_put_sent(DmJournal *journal, const char *gateway_id, char *const *recipients, const DmSent *sent,
                             gsize n, GError **error);

gboolean dm_journal_get_received(DmJournal *journal, const char *tenant, const char *provider_id, DmReceived *received,
                                 gboolean *found, GError **error);
gboolean dm_journal_put_received(DmJournal *journal, const char *tenant, const char *provider_id,
                                 const DmReceived *received, GError **error);

/* Whether the MTA has taken an incoming message for this e-mail address, itself or the catch-all in its place. */
gboolean dm_journal_get_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gboolean *injected, GError **error);
gboolean dm_journal_put_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gint64 time, GError **error);

#endif
