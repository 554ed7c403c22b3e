/*
 * Base64 in header fields. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_BASE64_H
#define DEMAIL_STANDARD_BASE64_H

#include <glib.h>

/* Reads base64 that may be folded; NULL if it is empty or has any other character or wrong padding. g_bytes_unref(). */
GBytes *dm_base64_read(const char *text);

/* Base64 as a fold-ready value: lines of `width` characters, the first `first` long, joined by "\n ". g_free(). */
char *dm_base64_fold(const void *data, gsize length, gsize first, gsize width);

#endif
