#include "poller/trust_rules.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400
#define MARGIN (6 * HOUR)

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, DM_ERROR, DM_ERROR_PERMANENT, why);
    return FALSE;
}

gboolean dm_trust_may_follow(const DmTrustList *in_force, const DmTrustList *fetched, gint64 now, GError **error)
{
    if (in_force && fetched->sequence < in_force->sequence)
        return refuse(error, "the list is older than the one in force: its sequence number is lower; "
                             "if that is meant, remove trust_list.xml from state_dir");
    if (in_force && fetched->sequence == in_force->sequence && fetched->issued < in_force->issued)
        return refuse(error, "the list is older than the one in force: it was issued earlier");
    if (dm_trust_list_expired(fetched, now))
        return refuse(error, "the list has expired: its NextUpdate has passed or is missing");
    return TRUE;
}

gint64 dm_trust_next_fetch(gint64 now, gint64 next_update, guint failures)
{
    if (failures > 0)
        return now + MIN((gint64)MINUTE << MIN(failures - 1, 6U), HOUR);
    if (next_update == 0)
        return now + DAY;
    return CLAMP(next_update - MARGIN, now + HOUR, now + DAY);
}
