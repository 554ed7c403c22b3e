/*
 * The body of POST /messages as it streams in: the part `envelope`, then the part `message`, which goes to a data file
 * and is never held in memory.
 */
#ifndef DEMAIL_SANDBOX_UPLOAD_H
#define DEMAIL_SANDBOX_UPLOAD_H

#include "sandbox/envelope.h"
#include "sandbox/sandbox.h"

#include <glib.h>

typedef struct DmUpload DmUpload;

/* `message_max`: bytes of the message. Once the envelope is there its recipients are shown as running under `account`
 * and `key`, which is claimed (both borrowed; NULL: nowhere). */
DmUpload *dm_upload_new(DmStore *store, gint64 message_max, const char *account, const char *key);

/* Removes the draft's file unless a message uses it. */
void dm_upload_free(DmUpload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmUpload, dm_upload_free)

/* Bytes of the part `name`. FALSE when the upload has failed; the rest of the body may be skipped then. */
gboolean dm_upload_add(DmUpload *upload, const char *name, const char *data, gsize length);

/* After the last byte: the envelope (borrowed) and the name of the draft's file, which is synced. DM_ERROR_PERMANENT
 * says what was wrong with the body, DM_ERROR_OS that it could not be written. */
const DmEnvelope *dm_upload_finish(DmUpload *upload, const char **draft_file, GError **error);

/* Whether the failure was a message or an envelope above its limit. */
gboolean dm_upload_is_too_large(const DmUpload *upload);

#endif
