/*
 * Looks every 15 seconds how the gateway is off, in a thread of its own that asks nobody on a network: logs each change
 * of a warning (common/warning.h), keeps what it knows of the providers for demailctl, and writes the metrics.
 */
#ifndef DEMAIL_POLLER_WATCH_H
#define DEMAIL_POLLER_WATCH_H

#include "common/journal.h"
#include "poller/channel.h"

typedef struct DmWatch DmWatch;

/* Both are lent. Begins with the current gateway. */
DmWatch *dm_watch_start(DmChannels *channels, DmJournal *journal);

/* There is another gateway. */
void dm_watch_update(DmWatch *watch);

/* Writes once more and ends, at once unless a login is under way. NULL is allowed. */
void dm_watch_stop(DmWatch *watch);

#endif
