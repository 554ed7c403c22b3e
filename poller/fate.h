/*
 * What a provider's answer means for a recipient whose submission was under way when something broke. Pure.
 */
#ifndef DEMAIL_POLLER_FATE_H
#define DEMAIL_POLLER_FATE_H

#include "common/journal.h"
#include "provider/provider.h"

/* The state to record for `address`. DM_SENT_DEFERRED: the provider has nothing of it, it may be sent;
 * DM_SENT_SUBMITTING: the provider is still at it; DM_SENT_UNKNOWN: the provider can't tell. `outcome` may be NULL but
 * with DM_FATE_TOLD. */
DmSentState dm_fate_state(DmFate fate, const DmOutcome *outcome, const char *address);

/* The same for a result of a submission or of a question about one. */
DmSentState dm_fate_of_result(const DmResult *result);

#endif
