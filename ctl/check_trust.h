/*
 * What demailctl check finds out about trust: trust_anchors, crl_files, trust_list_signer, and the signed list of
 * providers that demail-poller keeps.
 */
#ifndef DEMAIL_CTL_CHECK_TRUST_H
#define DEMAIL_CTL_CHECK_TRUST_H

#include "common/config.h"
#include "standard/trust_list.h"

#include <glib.h>
#include <jansson.h>

/* The list that is kept in state_dir, NULL where none is configured, or fetched yet, or it is not good. Adds a line
 * (char *) to `problems` for what has to be corrected, and to `remarks` for what ought to be known. Free with
 * dm_trust_list_free(). Starts and stops the XML libraries. */
DmTrustList *dm_check_trust(const DmConfig *config, GPtrArray *problems, GPtrArray *remarks);

/* The list in one line, for people, or as JSON. */
char *dm_check_trust_text(const DmTrustList *list);
json_t *dm_check_trust_json(const DmTrustList *list);

#endif
