/*
 * Times as an administrator writes them.
 */
#ifndef DEMAIL_CTL_TIMESPAN_H
#define DEMAIL_CTL_TIMESPAN_H

#include <glib.h>

/* For complaints: what can be written. */
#define DM_TIMESPAN_FORMS                                                                                              \
    "write a month such as 2026-11, a day such as 2026-11-01, a point in time such as 2026-11-01T12:00:00Z, or how "   \
    "long ago, such as 7d"

/* From *begin up to and without *end, in seconds since 1970: a whole month or day of local time; a point in time, or
 * one that long ago, begins and ends there. FALSE if `text` is none of these. */
gboolean dm_timespan_parse(const char *text, gint64 *begin, gint64 *end);

#endif
