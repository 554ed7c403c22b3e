/*
 * What the commands print.
 */
#ifndef DEMAIL_CTL_OUTPUT_H
#define DEMAIL_CTL_OUTPUT_H

#include <glib.h>
#include <jansson.h>

/* Prints the value as one JSON document and releases it. */
void dm_output_json(json_t *value);

/* The same on one line. */
void dm_output_json_line(json_t *value);

/* An array of the strings (char *) in `list`; NULL gives an empty one. */
json_t *dm_output_strings(const GPtrArray *list);

/* Text from outside, for people: as valid UTF-8, and each character that a terminal would take for an order, C1 and
 * marks of direction included, as a blank. g_free(). */
char *dm_output_plain(const char *text);

/* A time (seconds since 1970) in UTC, ISO 8601; "" for 0. g_free(). */
char *dm_output_time(gint64 time);

/* "demailctl: problem" on standard error, as one line of plain text. */
void dm_output_complain(const char *problem);

#endif
