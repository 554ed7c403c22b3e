/*
 * What to do about the signed list of providers: which one may follow which, and when to ask again. Pure functions.
 */
#ifndef DEMAIL_POLLER_TRUST_RULES_H
#define DEMAIL_POLLER_TRUST_RULES_H

#include "standard/trust_list.h"

#include <glib.h>

/* Whether `fetched`, a list with a good signature, may take the place of `in_force` (may be NULL): not when it is
 * older, for who holds back what was published since could bring a provider back; not when it has expired. FALSE with
 * DM_ERROR_PERMANENT. Times in seconds since 1970. */
gboolean dm_trust_may_follow(const DmTrustList *in_force, const DmTrustList *fetched, gint64 now, GError **error);

/* When to fetch next, after `failures` failures in a row: hours before the NextUpdate of the list in force (0: it has
 * none, or there is no list), from then on every hour, and at least once a day; after a failure in a minute, and less
 * and less often up to every hour. */
gint64 dm_trust_next_fetch(gint64 now, gint64 next_update, guint failures);

#endif
