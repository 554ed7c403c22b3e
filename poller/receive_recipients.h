/*
 * Whom an incoming message goes to: the e-mail addresses of those that it names, or the catch-all.
 */
#ifndef DEMAIL_POLLER_RECEIVE_RECIPIENTS_H
#define DEMAIL_POLLER_RECEIVE_RECIPIENTS_H

#include "common/gateway.h"
#include "common/header.h"
#include "common/journal.h"
#include "provider/provider.h"

/* E-mail addresses (char *) in lower case, each once, at least one. They come from Envelope-to; without it from the
 * provider's list, else from X-de-mail-actual-recipient. An address in Envelope-to that has no mailbox here, or a
 * message that names none, goes to the tenant's catch-all.
 *
 * What is about a De-Mail of ours (`about`, may be NULL) goes to the e-mail address that this came from: first, always,
 * and in place of the one that its De-Mail address maps to. The mailboxes of others that it is addressed to, such as
 * the Reply-To of that De-Mail (PVD FU, table 1, 10), get it as well; the catch-all does not.
 *
 * NULL with DM_ERROR_TEMPORARY if the address map can't be read now. */
GPtrArray *dm_receive_recipients(const DmGateway *gateway, const DmTenantConfig *tenant, const DmEntry *entry,
                                 const DmHeaders *headers, const DmSentMessage *about, GError **error);

#endif
