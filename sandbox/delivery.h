/*
 * What the sender's provider makes of an accepted draft (PVD FU 6.2 and 6.3, steps 29 to 40): the De-Mails, sealed; the
 * copies in the folder `sent`; the confirmations of dispatch; and then each goes to its recipients.
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
    const char *id;         /* for the first copy in the folder `sent` */
    const char *message_id; /* X-de-mail-message-id of all copies but those for bcc */
    const DmDraft *draft;
    const DmIntent *intent;
    const GPtrArray *recipients; /* of char *: the accepted addresses */
} DmDelivery;

/* Commits what `commit` says together with the messages. On failure nothing is delivered. */
gboolean dm_delivery_run(const DmDelivery *delivery, DmCommit *commit, GError **error);

#endif
