/*
 * The format of a journal, and what brings an older one up to date. For journal_file.c only.
 */
#ifndef DEMAIL_COMMON_JOURNAL_UPGRADE_H
#define DEMAIL_COMMON_JOURNAL_UPGRADE_H

#include "common/journal.h"

/* Sets journal->format: 0 for one that does not tell, such as a new one. */
gboolean dm_journal_read_format(DmJournal *journal, GError **error);

/* Brings the format up to DM_JOURNAL_FORMAT: adds what finds entries by time (before format 1) and what finds the open
 * ones (before format 2). Does nothing if that has been done. May be stopped at any point, and be done again. */
gboolean dm_journal_upgrade(DmJournal *journal, GError **error);

#endif
