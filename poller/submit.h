/*
 * The life of one submission, so that no recipient gets a De-Mail twice: what the journal knows is answered from it,
 * what was under way when something broke is asked for at the provider, and only then the rest is sent, with the
 * journal written before the first byte leaves and after the result is known. Identity is (gateway id, recipient).
 */
#ifndef DEMAIL_POLLER_SUBMIT_H
#define DEMAIL_POLLER_SUBMIT_H

#include "common/archive.h"
#include "common/journal.h"
#include "poller/channel.h"

typedef struct DmSubmitter DmSubmitter;

/* `journal` is lent. May be used from any thread. */
DmSubmitter *dm_submitter_new(DmJournal *journal);
void dm_submitter_free(DmSubmitter *submitter);

/* Keeps all others from the De-Mail with this gateway id, and waits at most `seconds` for one that is at it. FALSE if
 * that one did not end. */
gboolean dm_submitter_take(DmSubmitter *submitter, const char *gateway_id, guint seconds);
void dm_submitter_release(DmSubmitter *submitter, const char *gateway_id);

typedef struct {
    const char *gateway_id;
    const char *queue_id; /* the MTA's */
    const char *tenant;
    const char *unit;            /* the sender's organisational unit, or empty: for the journal */
    const char *envelope_sender; /* the MTA's, for the log */
    const char *sender;          /* De-Mail address */
    const char *private_id;
    const char *email;      /* the sender's e-mail address, and */
    const char *message_id; /* Message-ID of his message (may be empty), and */
    guint options;          /* what he asked for (set of DmOption): for the journal */
    DmOnUnknown on_unknown;
    DmLanguage language; /* of the replies */
    DmArchive *archive;  /* lent; NULL: the tenant has none */
    const char *expired; /* the reply to what is not settled yet, because nothing may be sent any more; NULL: it may */
    char *const *recipients; /* De-Mail addresses in lower case, NULL-terminated, each once */

    /* Makes the draft for those recipients that are to be sent to; called at most once, before `read`. *size: bytes that
     * `read` will give; 0: not known before its end. */
    gboolean (*prepare)(char *const *recipients, gint64 *size, gpointer data, GError **error);
    DmReadFunc read;
    gpointer data; /* of both */
} DmSubmitRequest;

/* The LMTP reply (char *) for every recipient, in their order, in an array that frees them. Two requests with the same
 * gateway id go one after the other. Waits are bounded: what can't be had in time gets a 451. */
GPtrArray *dm_submit(DmSubmitter *submitter, DmChannel *channel, const DmSubmitRequest *request);

#endif
