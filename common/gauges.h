/*
 * Facts and warnings as metrics.
 */
#ifndef DEMAIL_COMMON_GAUGES_H
#define DEMAIL_COMMON_GAUGES_H

#include "common/warning.h"

/* Appends all families of gauges but demail_up, as OpenMetrics without an end. What is not known is left out. */
void dm_gauges_append(GString *text, const DmFacts *facts, const GPtrArray *warnings, gint64 now);

#endif
