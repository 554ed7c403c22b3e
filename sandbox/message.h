/*
 * A stored message: a header block of its own and a body, which copies for several mailboxes share.
 *
 * Both are slices of files in the sandbox's data directory. Files are written once and never changed.
 */
#ifndef DEMAIL_SANDBOX_MESSAGE_H
#define DEMAIL_SANDBOX_MESSAGE_H

#include "common/error.h"
#include "sandbox/json.h"

#include <glib.h>

typedef enum { DM_FOLDER_INBOX, DM_FOLDER_SENT } DmFolder;

#define DM_FOLDER_COUNT 2

typedef struct {
    char *file; /* name in the data directory */
    gint64 offset;
    gint64 length; /* bytes */
} DmSlice;

typedef struct {
    gint64 seq; /* given by the store; grows with every message */
    char *id;
    char *account;
    DmFolder folder;
    gint64 received;  /* seconds since the epoch */
    char *type;       /* X-de-mail-message-type */
    char *private_id; /* decoded, or empty */
    char **recipients;
    DmSlice header; /* the empty line included */
    DmSlice body;
    gboolean retrieved;
    char *retrieve_for; /* whom the confirmation of retrieve names that is due at a login; NULL: none ever is */
} DmMessage;

void dm_message_free(DmMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMessage, dm_message_free)

void dm_slice_set(DmSlice *slice, const char *file, gint64 offset, gint64 length);

gint64 dm_message_size(const DmMessage *message);

/* "inbox" or "sent"; FALSE if it is neither. */
gboolean dm_folder_parse(const char *text, DmFolder *folder);

/* The message as an event of the log, and back (NULL if anything is missing). `retrieved` is not part of it. */
json_t *dm_message_to_json(const DmMessage *message);
DmMessage *dm_message_from_json(const json_t *json);

/* The entry that the API shows. */
json_t *dm_message_entry(const DmMessage *message);

/* Reads the message from its files. A reader belongs to one thread. */
typedef struct DmMessageReader DmMessageReader;
DmMessageReader *dm_message_reader_open(const DmMessage *message, const char *data_dir, GError **error);
void dm_message_reader_close(DmMessageReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMessageReader, dm_message_reader_close)

/* At most `size` bytes from `position` of the whole message; 0 at the end, -1 if a file can't be read. */
gssize dm_message_reader_read(DmMessageReader *reader, gint64 position, void *buffer, gsize size);

/* The base64 of the SHA-256 of the whole message. Free with g_free(). */
char *dm_message_digest(DmMessageReader *reader, GError **error);

#endif
