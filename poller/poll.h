/*
 * The poll loops: a thread for every tenant that receives. New messages are fetched every poll_interval, oldest first.
 * Where the provider or the MTA can't be reached or has no list, less and less often, up to 15 minutes; so is a single
 * message that can't be received, while the others go on.
 */
#ifndef DEMAIL_POLLER_POLL_H
#define DEMAIL_POLLER_POLL_H

#include "common/journal.h"
#include "poller/archives.h"
#include "poller/channel.h"

typedef struct DmPolls DmPolls;

/* All are lent. */
DmPolls *dm_polls_new(DmChannels *channels, DmJournal *journal, DmArchives *archives);

/* Brings the threads in line with the current gateway: after the start and after every reload. All tenants are polled
 * at once then. */
void dm_polls_update(DmPolls *polls);

/* Ends all threads after the message under way and waits for them, at most `seconds`. TRUE if all ended; `polls` is
 * then freed. FALSE: threads still use it and what it was lent. */
gboolean dm_polls_stop(DmPolls *polls, guint seconds);

#endif
