/*
 * What the commands print.
 */
#ifndef DEMAIL_CTL_OUTPUT_H
#define DEMAIL_CTL_OUTPUT_H

#include <glib.h>
#include <jansson.h>

/* Prints the value as one JSON document and releases it. */
void dm_output_json(json_t *value);

/* An array of the strings (char *) in `list`; NULL gives an empty one. */
json_t *dm_output_strings(const GPtrArray *list);

/* "demailctl: problem" on standard error. */
void dm_output_complain(const char *problem);

#endif
