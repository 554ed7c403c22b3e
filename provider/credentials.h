/*
 * What the poller needs besides its configuration, tables and stamp key, checked before anything starts and before a
 * new configuration comes into force: drivers, the client certificates with their keys, passwords, the state folder and
 * the certificates for the list of providers, as the user who will run.
 */
#ifndef DEMAIL_PROVIDER_CREDENTIALS_H
#define DEMAIL_PROVIDER_CREDENTIALS_H

#include "common/config.h"
#include "common/error.h"

/* Adds a line (char *) to `problems` for everything that is wrong; *first (may be NULL) gets the first as an error.
 * TRUE if nothing is. A certificate that ends within 30 days is logged as a warning. */
gboolean dm_credentials_check(const DmConfig *config, GPtrArray *problems, GError **first);

#endif
