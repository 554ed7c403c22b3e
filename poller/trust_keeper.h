/*
 * Keeps the signed list of providers (trust_list_url) fresh, in a thread of its own: fetches, verifies, stores.
 * Whatever fails, the last good list stays in force, expired or not.
 */
#ifndef DEMAIL_POLLER_TRUST_KEEPER_H
#define DEMAIL_POLLER_TRUST_KEEPER_H

#include <glib.h>

typedef struct DmTrustKeeper DmTrustKeeper;

/* Begins with the list on disk and fetches at once, if the current gateway's configuration names a list; else waits for
 * dm_trust_keeper_update(). After dm_xml_start(). */
DmTrustKeeper *dm_trust_keeper_start(void);

/* Begins anew with the current gateway. */
void dm_trust_keeper_update(DmTrustKeeper *keeper);

/* Ends a running transfer and frees; within seconds. NULL is allowed. */
void dm_trust_keeper_stop(DmTrustKeeper *keeper);

#endif
