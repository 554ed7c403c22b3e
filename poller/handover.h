/*
 * Hands an incoming message to the MTA and keeps account of it in the journal: recipients that the MTA takes later than
 * others, or never, bring the others no second copy. What the MTA refuses goes to the catch-all, marked.
 */
#ifndef DEMAIL_POLLER_HANDOVER_H
#define DEMAIL_POLLER_HANDOVER_H

#include "common/config.h"
#include "common/journal.h"
#include "common/metrics.h"
#include "poller/inject.h"

/* All lent. */
typedef struct {
    DmJournal *journal;
    const DmTenantConfig *tenant;
    DmMetrics *metrics;   /* may be NULL */
    const char *id;       /* the provider's */
    DmReceived *received; /* what the journal has, or will have; its state follows */
    DmInjection injection;
    const GPtrArray *recipients; /* char *, e-mail addresses */
    gboolean redelivered;        /* the MTA may have it already */
} DmHandover;

/* Writes the state, as of now. */
gboolean dm_handover_set_state(const DmHandover *handover, DmReceivedState state, GError **error);

/* Writes that the MTA has nothing of it; logs where that can't be written. */
void dm_handover_put_off(const DmHandover *handover);

/* TRUE when the MTA has it for all recipients. With DM_ERROR_UNAVAILABLE it can't be reached. */
gboolean dm_handover(const DmHandover *handover, GError **error);

#endif
