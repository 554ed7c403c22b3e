/*
 * What a provider does with a draft (PVD FU 6.2 to 6.5): checks it, makes De-Mails of it, delivers them into the
 * mailboxes of the sandbox, and confirms.
 */
#ifndef DEMAIL_SANDBOX_SUBMISSION_H
#define DEMAIL_SANDBOX_SUBMISSION_H

#include "sandbox/envelope.h"
#include "sandbox/sandbox.h"

typedef struct {
    const DmAccount *account;
    gboolean high;   /* auth level of the session */
    const char *key; /* claimed by the caller */
    const DmEnvelope *envelope;
    const char *draft_file; /* a synced data file */
} DmSubmission;

/* The answer, {"id","message_id","recipients":[…]}, with the result of every recipient of the envelope. Results that
 * are final already are repeated; the others are durable when this returns. NULL with a DM_ERROR_OS: nothing was
 * accepted. */
json_t *dm_submission_run(DmSandbox *sandbox, const DmSubmission *submission, GError **error);

#endif
