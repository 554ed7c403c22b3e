/*
 * The life of one incoming message: fetch, journal, map, inject, journal, acknowledge last. Nothing is refused and
 * nothing is dropped; what the MTA may have already comes again with a mark. Recipients that the MTA takes later than
 * others, or never, bring the others no second copy: the journal knows who has it.
 */
#ifndef DEMAIL_POLLER_RECEIVE_H
#define DEMAIL_POLLER_RECEIVE_H

#include "common/gateway.h"
#include "common/journal.h"
#include "poller/channel.h"

/* All lent. */
typedef struct {
    const DmGateway *gateway;
    const DmTenantConfig *tenant;
    DmChannel *channel;
    DmJournal *journal;
} DmReceiver;

/* Brings one message as far as it goes now. FALSE: it stays unacknowledged and is to be tried again later; with
 * DM_ERROR_UNAVAILABLE the provider or the MTA can't be reached, and so it is for all other messages. */
gboolean dm_receive(const DmReceiver *receiver, const DmEntry *entry, GError **error);

#endif
