/*
 * Identification: a provider confirms to a recipient who the owner of an address is (ID IO 2.1 and 2.6). The card is
 * that of an address only (ID IO 2.5).
 */
#ifndef DEMAIL_SANDBOX_IDENTIFICATION_H
#define DEMAIL_SANDBOX_IDENTIFICATION_H

#include "sandbox/sandbox.h"

/* Makes the identification of `address` and sends it to `recipient`, with a copy for the owner. FALSE only if the
 * system failed. */
gboolean dm_identification_send(DmSandbox *sandbox, const char *address, const char *recipient, GError **error);

#endif
