/*
 * Jansson with g_autoptr, and the little that every reader of JSON here needs.
 */
#ifndef DEMAIL_SANDBOX_JSON_H
#define DEMAIL_SANDBOX_JSON_H

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* A new array of strings from a NULL-terminated list. */
json_t *dm_json_from_list(char *const *list);

/* A NULL-terminated copy of an array of strings of at most `max` entries; NULL if `array` is anything else. A NULL
 * `array` gives an empty list. Free with g_strfreev(). */
char **dm_json_to_list(const json_t *array, gsize max);

/* The string of that key; `fallback` if it is missing or no string. Belongs to `object`. */
const char *dm_json_text(const json_t *object, const char *key, const char *fallback);

#endif
