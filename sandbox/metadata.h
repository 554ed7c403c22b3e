/*
 * From a draft to a De-Mail: the fields that the provider sets, and the integrity over them (PVD FU step 29,
 * PVD IO 3.1).
 */
#ifndef DEMAIL_SANDBOX_METADATA_H
#define DEMAIL_SANDBOX_METADATA_H

#include "common/demail.h"
#include "common/header.h"

#include <glib.h>

#define DM_VERSION_OF_STANDARD "1.8"
#define DM_INTEGRITY_SELECTOR  "sandbox"

typedef struct {
    const char *provider_domain;
    const char *type; /* X-de-mail-message-type */
    const char *sender;
    const DmChosen *chosen; /* of this copy */
    const char *message_id; /* without brackets, for X-de-mail-message-id and, where it is missing, Message-ID */
    const char *private_id; /* the field's text, folded; NULL: none */
    const char *holder;     /* UTF-8; NULL: no X-de-mail-account-holder, no auth level, no options */
    gboolean high;
    guint options;
    gboolean private_mark; /* without holder (confirmations): X-de-mail-private: yes */
} DmMetadata;

/* A new header: the metadata, the other fields of `fields` as they are but X-de-mail-* and Envelope-to, Date and
 * Message-ID where they are missing; on top X-de-mail-integrity. DM_ERROR_PERMANENT if it grows too large. */
DmHeaders *dm_metadata_complete(const DmHeaders *fields, const DmMetadata *metadata, const char *body_hash,
                                GError **error);

#endif
