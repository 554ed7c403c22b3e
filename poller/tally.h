/*
 * What demail-poller counts, in the words of its metrics. Any thread; `metrics` may be NULL.
 */
#ifndef DEMAIL_POLLER_TALLY_H
#define DEMAIL_POLLER_TALLY_H

#include "common/config.h"
#include "common/journal.h"
#include "common/metrics.h"
#include "poller/about.h"
#include "poller/judgement.h"

/* Makes the series that every tenant has, with 0: a rate begins with the first event then. */
void dm_tally_prepare(DmMetrics *metrics, const DmConfig *config);

/* So many recipients of a De-Mail are in this state after a submission, or a question about one. */
void dm_tally_sent(DmMetrics *metrics, const char *tenant, DmSentState state, guint64 recipients);

/* Handed to the MTA. */
void dm_tally_received(DmMetrics *metrics, const char *tenant, const DmJudgement *judgement);

/* A statement that counts; `about` may be about nothing. */
void dm_tally_confirmation(DmMetrics *metrics, const char *tenant, const DmAbout *about);

void dm_tally_undeliverable(DmMetrics *metrics, const char *tenant);

/* `started`: monotonic microseconds. */
void dm_tally_submission(DmMetrics *metrics, const char *tenant, gint64 started);
void dm_tally_poll(DmMetrics *metrics, const char *tenant, gint64 started);

#endif
