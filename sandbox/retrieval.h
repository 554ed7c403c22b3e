/*
 * Confirmations of retrieve: due when a recipient logs in at auth level high after the De-Mail came (PVD FU 3.3.5).
 */
#ifndef DEMAIL_SANDBOX_RETRIEVAL_H
#define DEMAIL_SANDBOX_RETRIEVAL_H

#include "sandbox/sandbox.h"

/* The account has logged in at level high: sends what is due, each once. Any thread. */
gboolean dm_retrieval_login(DmSandbox *sandbox, const DmAccount *account, GError **error);

#endif
