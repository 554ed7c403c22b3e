/*
 * The facts of the configured gateway (common/facts.h), beside running daemons.
 */
#ifndef DEMAIL_CTL_GATEWAY_FACTS_H
#define DEMAIL_CTL_GATEWAY_FACTS_H

#include "common/warning.h"
#include "ctl/journal_open.h"

/* From files, the journal and what demail-poller left. NULL with an error of the journal. */
DmFacts *dm_ctl_facts(const DmCtlJournal *opened, gint64 now, GError **error);

/* Prints the warnings, for people or as JSON, one a line. */
void dm_ctl_print_warnings(const DmFacts *facts, gint64 now, gboolean json);

#endif
