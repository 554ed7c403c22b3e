/*
 * "Did you mean …?" for names in the configuration and on the command line.
 */
#ifndef DEMAIL_COMMON_NEAREST_H
#define DEMAIL_COMMON_NEAREST_H

#include <glib.h>

/* The candidate with the smallest edit distance to `name`, the first of several; NULL if there is none. `candidates` is
 * NULL-terminated. Names of more than 64 bytes have no neighbour. */
const char *dm_nearest(const char *name, const char *const *candidates);

#endif
