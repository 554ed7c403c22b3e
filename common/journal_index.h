/*
 * What finds the journal's entries: by a name that people and confirmations know, and by time. For the journal's own
 * modules; journal.h has the functions that search.
 */
#ifndef DEMAIL_COMMON_JOURNAL_INDEX_H
#define DEMAIL_COMMON_JOURNAL_INDEX_H

#include "common/journal_store.h"

/* Adds to `pairs` what finds `entry` by `name` (nothing if that is empty) or by `time`. */
void dm_journal_index_name(GArray *pairs, const char *name, const DmJournalEntry *entry);
void dm_journal_index_time(GArray *pairs, gint64 time, const DmJournalEntry *entry);

#endif
