/*
 * When what stands in a file of certificates ends. Any thread.
 */
#ifndef DEMAIL_COMMON_EXPIRY_H
#define DEMAIL_COMMON_EXPIRY_H

#include <glib.h>

/* The end (seconds since the epoch) of the first certificate in a PEM file; 0 if it can't be read. */
gint64 dm_expiry_of_certificate(const char *file);

/* When the next update of the first list of revoked certificates in a PEM file is due; 0 if it does not tell, or can't
 * be read. */
gint64 dm_expiry_of_crl(const char *file);

#endif
