/*
 * What has to be done now and then, in a thread of its own: settle what is open (poller/settle.h), and in the
 * archives (poller/archive_settle.h), at the start, after
 * every reload and every 5 minutes; remove what is older than keep_days from the journal, every hour, but not before
 * the first hour is over: a machine that has just started may not know the time yet.
 */
#ifndef DEMAIL_POLLER_HOUSEKEEPING_H
#define DEMAIL_POLLER_HOUSEKEEPING_H

#include "poller/archives.h"
#include "poller/submit.h"

typedef struct DmHousekeeping DmHousekeeping;

/* All are lent. */
DmHousekeeping *dm_housekeeping_start(DmChannels *channels, DmSubmitter *submitter, DmJournal *journal,
                                      DmArchives *archives);

/* There is another gateway. */
void dm_housekeeping_update(DmHousekeeping *housekeeping);

/* Waits at most `seconds` for a call of the provider under way. TRUE if the thread ended; `housekeeping` is then freed.
 * NULL is allowed. */
gboolean dm_housekeeping_stop(DmHousekeeping *housekeeping, guint seconds);

#endif
