/*
 * Settles what a crash left open: the provider is asked about every De-Mail of the journal that is submitting or
 * unknown, whether the MTA tries it again or not, and its answer goes into the journal. Nothing is sent; what the
 * provider has never seen becomes deferred and waits for the MTA's next attempt.
 */
#ifndef DEMAIL_POLLER_SETTLE_H
#define DEMAIL_POLLER_SETTLE_H

#include "poller/submit.h"

/* All lent. */
typedef struct {
    DmChannels *channels;
    DmSubmitter *submitter;
    DmJournal *journal;
    gboolean (*going)(gpointer data); /* FALSE: no more of it now */
    gpointer data;
} DmSettler;

/* One round over the journal, with the tenants of `gateway`. A submission that runs is left alone. A provider that
 * can't be used now is left for the next round; the channel logs why. Errors are the journal's. */
gboolean dm_settle(const DmSettler *settler, const DmGateway *gateway, GError **error);

#endif
