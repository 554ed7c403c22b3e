/*
 * The life of one incoming message: fetch, verify, archive, journal, map, inject, journal, acknowledge last. Nothing is refused
 * and nothing is dropped: what fails verification is delivered with a mark, what the MTA may have already comes again
 * with a mark. A confirmation or notification about a De-Mail of ours goes to the sender of that, in its thread.
 */
#ifndef DEMAIL_POLLER_RECEIVE_H
#define DEMAIL_POLLER_RECEIVE_H

#include "common/archive.h"
#include "common/gateway.h"
#include "common/journal.h"
#include "poller/channel.h"
#include "poller/inject.h"

/* All lent. The gateway has its anchors attached (poller/anchors.h). */
typedef struct {
    const DmGateway *gateway;
    const DmTenantConfig *tenant;
    DmChannel *channel;
    DmJournal *journal;
    DmArchive *archive;   /* NULL: the tenant has none */
    DmInjector *injector; /* NULL: a connection for each message */
} DmReceiver;

/* Brings one message as far as it goes now. A confirmation of dispatch stays unacknowledged while the provider's answer
 * to the De-Mail is not in the journal, and comes again with the next round. FALSE: it stays unacknowledged and is to
 * be tried again later; with DM_ERROR_UNAVAILABLE the provider or the MTA can't be reached, and so it is for all other
 * messages. */
gboolean dm_receive(const DmReceiver *receiver, const DmEntry *entry, GError **error);

/* Acknowledges what the MTA has but the journal does not know as acknowledged, once after a start: a crash between the
 * provider's answer and the journal leaves that, and no list of the provider mentions it again. What the provider does
 * not want to hear is logged and left. FALSE: to be tried again later. */
gboolean dm_receive_catch_up(const DmReceiver *receiver, GError **error);

#endif
