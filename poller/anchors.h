/*
 * The CAs that the seals of incoming De-Mail are judged by: trust_anchors and crl_files, read with the configuration
 * and kept with the gateway that a message holds.
 */
#ifndef DEMAIL_POLLER_ANCHORS_H
#define DEMAIL_POLLER_ANCHORS_H

#include "common/gateway.h"
#include "standard/trust.h"

/* Reads them and attaches them to the gateway. Without trust_anchors a warning is logged: no seal can be judged then.
 * What can't be read adds a line (char *) to `problems`; *first (may be NULL) gets it as an error unless it is set. */
gboolean dm_anchors_attach(DmGateway *gateway, GPtrArray *problems, GError **first);

/* Lent as long as the gateway is held. */
const DmTrust *dm_anchors_of(const DmGateway *gateway);

#endif
