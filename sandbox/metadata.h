/*
 * From a draft to a De-Mail: the fields that the provider sets (PVD FU step 29, PVD IO 3.1). What seals them comes last
 * and is seal.h's.
 */
#ifndef DEMAIL_SANDBOX_METADATA_H
#define DEMAIL_SANDBOX_METADATA_H

#include "common/demail.h"
#include "common/header.h"

#include <glib.h>

#define DM_VERSION_OF_STANDARD "1.8"
#define DM_TYPE_NORMAL         "normal"

typedef struct {
    const char *provider; /* its domain */
    const char *type;     /* X-de-mail-message-type */
    const char *sender;
    const DmChosen *chosen; /* of this copy */
    const char *message_id; /* without brackets, for X-de-mail-message-id and, where the draft has none, Message-ID */
    const char *private_id; /* the field's text, folded; NULL: none */
    const char *holder;     /* UTF-8; NULL: no X-de-mail-account-holder, no auth level, no options */
    gboolean high;
    guint options;
    gboolean private_mark;         /* without holder (system letters): X-de-mail-private: yes */
    const char *notification_type; /* NULL: none */
} DmMetadata;

/* A new header: the metadata, the time of now as Date, the other fields of `fields` as they are but X-de-mail-*,
 * Resent-* and Envelope-to, Subject where it is missing, Message-ID where it is missing or none. DM_ERROR_PERMANENT if
 * it grows too large. */
DmHeaders *dm_metadata_complete(const DmHeaders *fields, const DmMetadata *metadata, GError **error);

#endif
