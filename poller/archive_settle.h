/*
 * Ends what submissions have left begun in the archives, as far as the journal knows what became of them.
 */
#ifndef DEMAIL_POLLER_ARCHIVE_SETTLE_H
#define DEMAIL_POLLER_ARCHIVE_SETTLE_H

#include "common/gateway.h"
#include "poller/archives.h"
#include "poller/submit.h"

/* One round over the archives of the tenants of `gateway`, and those that they had before a reload. Submissions that run are left alone. `going` (with `data`)
 * is asked in between; where it returns FALSE that is the end for now. Failures are logged. */
void dm_archive_settle(DmArchives *archives, DmSubmitter *submitter, DmJournal *journal, const DmGateway *gateway,
                       gboolean (*going)(gpointer data), gpointer data);

#endif
