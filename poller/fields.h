/*
 * What the first field of a name in a De-Mail's header says (PVD IO 3.1.1: the first from the top counts).
 */
#ifndef DEMAIL_POLLER_FIELDS_H
#define DEMAIL_POLLER_FIELDS_H

#include "common/header.h"

/* On one line; empty if there is no such field. Free with g_free(). */
char *dm_fields_text(const DmHeaders *headers, const char *name);

/* Decoded to UTF-8 (RFC 2047); empty if there is no such field. Free with g_free(). */
char *dm_fields_decoded(const DmHeaders *headers, const char *name);

/* Its first address; NULL if there is none. Free with g_free(). */
char *dm_fields_address(const DmHeaders *headers, const char *name);

/* The options (set of DmOption) that say yes. */
guint dm_fields_options(const DmHeaders *headers);

#endif
