/*
 * What the sender of a draft wants: options, sender, recipients by kind, private id (PVD IO 3.1.2 to 3.1.8, 3.1.17).
 */
#ifndef DEMAIL_SANDBOX_INTENT_H
#define DEMAIL_SANDBOX_INTENT_H

#include "common/demail.h"
#include "common/header.h"
#include "sandbox/accounts.h"
#include "sandbox/denial.h"
#include "sandbox/envelope.h"

#include <glib.h>

typedef struct {
    guint options;         /* retrieve implies private, PVD FU 3.3.5 */
    DmChosen chosen;       /* bcc: the De-Mail addresses of the envelope that are in neither of the others */
    char *sender;          /* De-Mail address */
    char *private_id;      /* the field's text, folded as it came; NULL: none */
    char *private_id_text; /* decoded, or empty */
} DmIntent;

/* Fills `intent` from the draft's fields; what they do not say is taken from the envelope and from To and Cc, of which
 * only De-Mail addresses count. FALSE with `denial` set (invalid-format, sender-not-yours). Clear it in any case. */
gboolean dm_intent_read(DmIntent *intent, const DmHeaders *headers, const DmEnvelope *envelope,
                        const DmAccounts *accounts, DmDenial *denial);
void dm_intent_clear(DmIntent *intent);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmIntent, dm_intent_clear)

#endif
