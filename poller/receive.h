/*
 * The life of one incoming message: fetch, verify, journal, map, inject, journal, acknowledge last. Nothing is refused
 * and nothing is dropped: what fails verification is delivered with a mark, what the MTA may have already comes again
 * with a mark. A confirmation or notification about a De-Mail of ours goes to the sender of that, in its thread.
 */
#ifndef DEMAIL_POLLER_RECEIVE_H
#define DEMAIL_POLLER_RECEIVE_H

#include "common/gateway.h"
#include "common/journal.h"
#include "poller/channel.h"

/* All lent. The gateway has its anchors attached (poller/anchors.h). */
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
