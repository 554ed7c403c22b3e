/*
 * The signed list of providers on disk, below state_dir: the list as it was fetched, and the table that the milter
 * reads (common/domains.h). Files are replaced in one step.
 */
#ifndef DEMAIL_POLLER_TRUST_STORE_H
#define DEMAIL_POLLER_TRUST_STORE_H

#include "standard/trust_list.h"

#include <glib.h>

/* The list that was kept last, or NULL without error if there is none. DM_ERROR_OS if it can't be read. */
GString *dm_trust_store_load(const char *state_dir, GError **error);

/* Keeps the list. DM_ERROR_OS. */
gboolean dm_trust_store_save(const char *state_dir, const GString *list, GError **error);

/* Makes the table of the list, unless it is there. DM_ERROR_OS, DM_ERROR_NOPERM. */
gboolean dm_trust_store_write_table(const char *state_dir, const DmTrustList *list, GError **error);

#endif
