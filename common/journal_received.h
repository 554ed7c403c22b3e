/*
 * The records of received De-Mails. For the journal's own modules.
 */
#ifndef DEMAIL_COMMON_JOURNAL_RECEIVED_H
#define DEMAIL_COMMON_JOURNAL_RECEIVED_H

#include "common/journal_store.h"

/* FALSE if there is none. Clear `received` with dm_received_clear() in any case. */
gboolean dm_journal_read_received(DmStoreTxn *txn, const char *tenant, const char *provider_id, DmReceived *received);

/* Removes all that there is of the De-Mail, but what finds it by time. */
void dm_journal_remove_received(DmStoreTxn *txn, const DmJournalEntry *entry, const DmReceived *received);

#endif
