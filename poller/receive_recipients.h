/*
 * Whom an incoming message goes to: the e-mail addresses of those that it names, or the catch-all.
 */
#ifndef DEMAIL_POLLER_RECEIVE_RECIPIENTS_H
#define DEMAIL_POLLER_RECEIVE_RECIPIENTS_H

#include "common/gateway.h"
#include "common/header.h"
#include "poller/provider.h"

/* E-mail addresses (char *) in lower case, each once, at least one. They come from Envelope-to; without it from the
 * provider's list, else from X-de-mail-actual-recipient. An address in Envelope-to that has no mailbox here, or a
 * message that names none, goes to the tenant's catch-all. NULL with DM_ERROR_TEMPORARY if the address map can't be
 * read now. */
GPtrArray *dm_receive_recipients(const DmGateway *gateway, const DmTenantConfig *tenant, const DmEntry *entry,
                                 const DmHeaders *headers, GError **error);

#endif
