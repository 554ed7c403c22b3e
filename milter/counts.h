/*
 * The milter's decisions as metrics. Everything is found when a gateway is opened: a message costs an atomic increment.
 */
#ifndef DEMAIL_MILTER_COUNTS_H
#define DEMAIL_MILTER_COUNTS_H

#include "common/gateway.h"
#include "common/refusal.h"

typedef enum {
    DM_COUNT_ORDINARY,
    DM_COUNT_REROUTED, /* to an own mailbox, as e-mail */
    DM_COUNT_DIVERTED,
    DM_COUNT_AGAIN,
    DM_COUNT_FAILED, /* an action that the MTA did not take */
} DmCount;

/* To the new gateway; has the form of DmGatewayCheck, and always succeeds. */
gboolean dm_counts_attach(DmGateway *gateway, GPtrArray *problems);

void dm_counts_add(const DmGateway *gateway, DmCount count);
void dm_counts_add_refusal(const DmGateway *gateway, DmRefusal refusal);

#endif
