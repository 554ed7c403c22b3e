/*
 * The records of sent De-Mails. For the journal's own modules.
 */
#ifndef DEMAIL_COMMON_JOURNAL_SENT_H
#define DEMAIL_COMMON_JOURNAL_SENT_H

#include "common/journal_store.h"

/* Adds to the batch one recipient's record, and what finds it while it is open. */
void dm_journal_put_recipient(DmStoreTxn *txn, const char *gateway_id, const char *recipient, const DmSent *sent);

/* NULL if there is none. */
DmSentMessage *dm_journal_read_message(DmStoreTxn *txn, const char *gateway_id);

/* DmSentRecipient *, in the order of their addresses; never NULL. */
GPtrArray *dm_journal_read_recipients(DmStoreTxn *txn, const char *gateway_id);

/* Removes all that there is of the De-Mail with these records, but what finds it by time. `message` may be NULL. */
void dm_journal_remove_sent(DmStoreTxn *txn, const char *gateway_id, const DmSentMessage *message,
                            const GPtrArray *recipients);

#endif
