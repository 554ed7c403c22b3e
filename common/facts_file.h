/*
 * What demail-poller has learned from the providers, for demailctl: below state_dir, replaced in one step.
 */
#ifndef DEMAIL_COMMON_FACTS_FILE_H
#define DEMAIL_COMMON_FACTS_FILE_H

#include "common/facts.h"

/* Below state_dir. */
#define DM_FACTS_FILE          "poller.facts"
#define DM_POLLER_METRICS_FILE "poller.prom"

/* DM_ERROR_OS. */
gboolean dm_facts_save(const DmFacts *facts, GError **error);

/* Fills in what was saved last; without a file, or for tenants that are not in it, nothing. */
void dm_facts_load(DmFacts *facts);

#endif
