/*
 * Brings a journal of an older version up to date. For journal_store.c only.
 */
#ifndef DEMAIL_COMMON_JOURNAL_UPGRADE_H
#define DEMAIL_COMMON_JOURNAL_UPGRADE_H

#include "common/journal.h"

/* Gives entries that were written before there was an index by time their place in it. Does nothing if that has been
 * done. The journal must be open for writing. */
gboolean dm_journal_upgrade(DmJournal *journal, GError **error);

#endif
