#include "ctl/timespan.h"

#include "common/config_value.h"

#include <string.h>

#define MONTH_LENGTH 7 /* 2026-11 */

gboolean dm_timespan_parse(const char *text, gint64 *begin, gint64 *end)
{
    static const DmValueRule duration = {DM_VALUE_DURATION, NULL, 0, G_MAXINT32};
    gint64 seconds = 0;

    if (dm_value_parse(&duration, text, &seconds, NULL)) {
        *begin = *end = g_get_real_time() / G_USEC_PER_SEC - seconds;
        return TRUE;
    }
    gboolean whole = strchr(text, 'T') == NULL;
    gboolean month = whole && strlen(text) == MONTH_LENGTH && text[4] == '-';
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();
    g_autofree char *moment = g_strconcat(text, month ? "-01" : "", whole ? "T00:00:00" : "", NULL);
    g_autoptr(GDateTime) first = g_date_time_new_from_iso8601(moment, zone);
    if (first == NULL)
        return FALSE;
    g_autoptr(GDateTime) after = month   ? g_date_time_add_months(first, 1)
                                 : whole ? g_date_time_add_days(first, 1)
                                         : g_date_time_ref(first);
    if (after == NULL)
        return FALSE;
    *begin = g_date_time_to_unix(first);
    *end = g_date_time_to_unix(after);
    return TRUE;
}
