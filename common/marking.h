/*
 * The marking of received De-Mail in the subject, and its imitation in ordinary mail.
 */
#ifndef DEMAIL_COMMON_MARKING_H
#define DEMAIL_COMMON_MARKING_H

#include <glib.h>

/* `subject` (decoded UTF-8) without any of the non-empty `prefixes` (char *) at its start, however often; NULL if there
 * is none. What a reader could take for the marking counts: case, blanks before it, invisible characters, compatibility
 * forms and encoded words that were encoded once more. Free with g_free(). */
char *dm_marking_remove(const char *subject, const GPtrArray *prefixes);

#endif
