/*
 * A data file that is written piece by piece: the header blocks and confirmations of one submission.
 */
#ifndef DEMAIL_SANDBOX_PARTS_H
#define DEMAIL_SANDBOX_PARTS_H

#include "sandbox/store.h"

#include <glib.h>

typedef struct DmParts DmParts;

DmParts *dm_parts_open(DmStore *store, GError **error);

/* Appends the bytes; `slice` tells where they are. DM_ERROR_OS if the disk is full. */
gboolean dm_parts_add(DmParts *parts, const char *data, gsize length, DmSlice *slice, GError **error);

/* Makes what was added durable. */
gboolean dm_parts_sync(DmParts *parts, GError **error);

/* Closes the file and removes it unless a message uses it by now. */
void dm_parts_close(DmParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmParts, dm_parts_close)

#endif
