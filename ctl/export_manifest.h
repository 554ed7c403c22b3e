/*
 * The manifest of an export: which messages are there, where, and what they are. It is the truth about the folder: what
 * it does not know is not there.
 *
 * The file manifest.jsonl holds one JSON object per line: first what is exported, then a line for each message, in the
 * order in which they were added. A last line without its end is the trace of a crash and is cut off. One process has
 * it at a time. Sizes and offsets are bytes, times seconds since 1970. One thread.
 */
#ifndef DEMAIL_CTL_EXPORT_MANIFEST_H
#define DEMAIL_CTL_EXPORT_MANIFEST_H

#include "common/error.h"

#include <glib.h>
#include <jansson.h>

#define DM_MANIFEST_FILE "manifest.jsonl"

typedef struct DmManifest DmManifest;

/* What an export is of; strings are lent. */
typedef struct {
    const char *tenant;
    const char *account;
    const char *provider;
    gboolean mbox; /* else eml */
} DmManifestHead;

/* Strings are lent. */
typedef struct {
    const char *id;
    const char *folder;
    gboolean gone;    /* the provider listed it, but has it no more; what follows is empty but received */
    const char *file; /* relative to the export's folder */
    gint64 offset;    /* of the message in the file, its From_ line included */
    gint64 length;    /* in the file */
    gboolean crlf;    /* as in DmMbox */
    gint64 size;      /* as received */
    const char *sha256;
    gint64 received;
    const char *type;
    const char *private_id;
    json_t *verification; /* as verify tells it; "valid" is a boolean */
} DmManifestMessage;

typedef struct {
    guint messages;
    guint invalid;
    guint gone;
    gint64 bytes; /* as received */
} DmManifestCounts;

/* Opens the manifest in the folder `dir`, which is lent, or makes it where there is none and `head` is given; `*made`
 * (may be NULL) tells. With `head` the manifest must be of the same export. DM_ERROR_NOINPUT if there is none,
 * DM_ERROR_UNAVAILABLE if another process has it, DM_ERROR_PERMANENT names a line that is wrong, DM_ERROR_USAGE the
 * difference to `head`. */
DmManifest *dm_manifest_open(int dir, const DmManifestHead *head, gboolean *made, GError **error);
void dm_manifest_close(DmManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmManifest, dm_manifest_close)

/* Whether the message is there; where gone, FALSE. */
gboolean dm_manifest_has(const DmManifest *manifest, const char *folder, const char *id);

/* Where the last message of the file ends; 0 for a file that it does not know. */
gint64 dm_manifest_end(const DmManifest *manifest, const char *file);

/* Of its lines, as far as they are whole and synced. */
gint64 dm_manifest_length(const DmManifest *manifest);

/* Adds a line to what the next sync writes; the data must be on the disk before that. A message that is there must not
 * be added again. */
void dm_manifest_add(DmManifest *manifest, const DmManifestMessage *message);

/* What was added is on the disk when this returns TRUE. */
gboolean dm_manifest_sync(DmManifest *manifest, GError **error);

/* What is synced, and what is added. */
DmManifestCounts dm_manifest_counts(const DmManifest *manifest);

/* Hands over each message that is there, in order; FALSE from `func` ends it. What was added must be synced. */
typedef gboolean (*DmManifestFunc)(const DmManifestMessage *message, gpointer data, GError **error);
gboolean dm_manifest_each(DmManifest *manifest, DmManifestFunc func, gpointer data, GError **error);

#endif
