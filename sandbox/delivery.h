/*
 * Delivery of one draft to accepted recipients: the copies with their metadata and integrity, Envelope-to per mailbox,
 * the sender's own copy, and the confirmations.
 */
#ifndef DEMAIL_SANDBOX_DELIVERY_H
#define DEMAIL_SANDBOX_DELIVERY_H

#include "sandbox/draft.h"
#include "sandbox/intent.h"
#include "sandbox/sandbox.h"

typedef struct {
    DmSandbox *sandbox;
    const DmAccount *account; /* of the sender */
    gboolean high;
    const char *id;         /* for the copy in the folder `sent` */
    const char *message_id; /* X-de-mail-message-id of all copies but those for bcc */
    const DmDraft *draft;
    const DmIntent *intent;
    const GPtrArray *recipients; /* of char *: addresses that have an account */
} DmDelivery;

/* Commits what `commit` says together with the messages. On failure nothing is delivered. */
gboolean dm_delivery_run(const DmDelivery *delivery, DmCommit *commit, GError **error);

#endif
