/*
 * A De-Mail that goes on to another address: forwarded (PVD IO 3.2) or sent on after its recipient (PVD IO 3.3). What
 * is sealed stays as it is.
 */
#ifndef DEMAIL_SANDBOX_FORWARDING_H
#define DEMAIL_SANDBOX_FORWARDING_H

#include "sandbox/letter.h"

#define DM_FIELD_RESENT_FROM "Resent-From"

/* With the four Resent fields on top; `provider`: the domain of the new Message-ID. DM_ERROR_PERMANENT if the header
 * grows too large. */
DmLetter *dm_forward(const DmLetter *letter, const char *from, const char *to, const char *provider, GError **error);

/* With X-de-mail-actual-recipient changed only. */
DmLetter *dm_redirect(const DmLetter *letter, const char *to, GError **error);

#endif
