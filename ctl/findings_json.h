/*
 * What was found out about a De-Mail, as JSON: the same wherever a command tells it (demailctl(8), verify).
 */
#ifndef DEMAIL_CTL_FINDINGS_JSON_H
#define DEMAIL_CTL_FINDINGS_JSON_H

#include "standard/findings.h"

#include <jansson.h>

/* A new object. */
json_t *dm_findings_json(const DmFindings *findings);

/* The text as valid UTF-8, or null. */
json_t *dm_findings_text(const char *text);

#endif
