/*
 * What finds the journal's entries: by a name that people and confirmations know, by time, and as open. For the
 * journal's own modules; journal.h has the functions that search.
 */
#ifndef DEMAIL_COMMON_JOURNAL_INDEX_H
#define DEMAIL_COMMON_JOURNAL_INDEX_H

#include "common/journal_store.h"

/* Adds to the batch what finds `entry` by `name` (nothing if that is empty) or by `time`. */
void dm_journal_index_name(DmStoreTxn *txn, const char *name, const DmJournalEntry *entry);
void dm_journal_index_time(DmStoreTxn *txn, gint64 time, const DmJournalEntry *entry);

/* Adds or removes what finds a De-Mail because this recipient of it is open. */
void dm_journal_index_open(DmStoreTxn *txn, const char *gateway_id, const char *recipient, gboolean open);

/* Adds or removes what finds a received De-Mail because the MTA has it and the provider may not know. */
void dm_journal_index_unacknowledged(DmStoreTxn *txn, const DmJournalEntry *entry, gboolean injected);

/* Removes what finds `entry` by `name`. */
void dm_journal_unindex_name(DmStoreTxn *txn, const char *name, const DmJournalEntry *entry);

/* Reads what finds by time or as open. `entry` points into the pair. */
gboolean dm_journal_read_entry(const DmStorePair *pair, DmJournalEntry *entry, GError **error);

/* The beginning of a key by time. Free with g_free(). */
char *dm_journal_time_word(gint64 time);

#endif
