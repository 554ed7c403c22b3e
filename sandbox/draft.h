/*
 * A draft as it arrived: header fields, and where its body lies in the file. The body is never changed.
 */
#ifndef DEMAIL_SANDBOX_DRAFT_H
#define DEMAIL_SANDBOX_DRAFT_H

#include "common/header.h"
#include "sandbox/message.h"
#include "sandbox/seal.h"

#include <glib.h>

typedef struct {
    DmHeaders *headers;
    DmSlice body;
    DmSealAlgorithm algorithm; /* what its De-Mails get */
    char *body_hash;           /* by its digest, for X-de-mail-integrity */
    gint64 size;               /* bytes of the whole draft */
} DmDraft;

/* Reads the data file `file`. DM_ERROR_PERMANENT says what is wrong with the draft. */
DmDraft *dm_draft_read(const char *data_dir, const char *file, DmSealAlgorithm algorithm, GError **error);
void dm_draft_free(DmDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmDraft, dm_draft_free)

#endif
