/*
 * The archive of one tenant, demailctl(8), ARCHIVE: every message as its original bytes in a file, and manifests with
 * one line for each, every line bearing the hash of the line before it. Here is the writer; common/archive_verify.h
 * reads it all again.
 *
 *     DIR/archive.lock      keeps a second writer out
 *     DIR/begun/            files that no line names yet, or that a crash kept from their place
 *     DIR/2026-11/manifest  the lines of a month (UTC), in the order in which they were written
 *     DIR/2026-11/FILE      what they name
 *
 * A line is written and on the disk before its file goes from begun/ to its place. A crash between the two, a last line
 * without its end, and a file that was not complete are mended when the archive is opened, and after a failed write
 * with the next call. One file has one line, whatever is repeated.
 *
 * Nothing depends on the size of a message or of the archive in memory. All functions may be called from any thread.
 * Errors are DM_ERROR_TEMPORARY where the disk fails or is full: the same call works once the disk does.
 */
#ifndef DEMAIL_COMMON_ARCHIVE_H
#define DEMAIL_COMMON_ARCHIVE_H

#include "common/error.h"

#include <glib.h>

typedef struct DmArchive DmArchive;

/* Whether `dir` is a folder that the caller owns, may write and nobody else may write or enter (mode 0700 or 0750).
 * DM_ERROR_NOINPUT, DM_ERROR_NOPERM; changes nothing. */
gboolean dm_archive_check(const char *dir, GError **error);

/* For writing, after dm_archive_check(); mends what was left and logs that. DM_ERROR_UNAVAILABLE: another process
 * writes it; DM_ERROR_CONFIG: the end of its manifest is none, which nobody but an administrator may judge. */
DmArchive *dm_archive_open(const char *dir, GError **error);
void dm_archive_close(DmArchive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmArchive, dm_archive_close)

/* What a line says of a message, all lent; NULL or empty: nothing. */
typedef struct {
    const char *tenant;
    const char *type;        /* X-de-mail-message-type of a received one */
    const char *gateway_id;  /* of a sent one; of the one that a confirmation is about */
    const char *queue_id;    /* the MTA's, of the same */
    const char *provider_id; /* of a received one */
    const char *private_id;
    const char *sender;
    char *const *recipients; /* NULL-terminated */
    const char *verified;    /* of a received one: pass, fail or none, and */
    const char *reasons;     /* of a failure, separated by commas */
} DmArchiveEntry;

/* A received message, all of `fd`, whose position does not matter. Nothing new happens where the archive has these
 * bytes under this tenant and provider's id already. The bytes and the line are on the disk when it returns TRUE. */
gboolean dm_archive_put(DmArchive *archive, const DmArchiveEntry *entry, int fd, GError **error);

/* A message on its way out. Of one thread; not longer than its archive. */
typedef struct DmArchiveDraft DmArchiveDraft;

/* What the provider made of a recipient. */
typedef enum {
    DM_ARCHIVE_ACCEPTED,
    DM_ARCHIVE_REFUSED,
    DM_ARCHIVE_DEFERRED, /* not sent to by this submission */
    DM_ARCHIVE_UNKNOWN,  /* nobody can tell */
} DmArchiveResult;

DmArchiveDraft *dm_archive_draft_new(DmArchive *archive, const DmArchiveEntry *entry, GError **error);
gboolean dm_archive_draft_write(DmArchiveDraft *draft, const void *bytes, gsize size, GError **error);

/* Envelope and bytes are on the disk when it returns TRUE, under a name that dm_archive_begun() finds. */
gboolean dm_archive_draft_sync(DmArchiveDraft *draft, GError **error);

const char *dm_archive_draft_gateway_id(const DmArchiveDraft *draft);
char *const *dm_archive_draft_recipients(const DmArchiveDraft *draft);

/* Writes the line, with the result of each recipient, in their order. FALSE: it stays begun. */
gboolean dm_archive_draft_finish(DmArchiveDraft *draft, const char *provider_id, const DmArchiveResult *results,
                                 GError **error);

/* It was not sent: takes it out of the archive. */
void dm_archive_draft_drop(DmArchiveDraft *draft);

/* Frees the handle, in any case; what was neither finished nor dropped stays begun. */
void dm_archive_draft_free(DmArchiveDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmArchiveDraft, dm_archive_draft_free)

/* The gateway ids (char *, each once) of what is begun and that nobody in this process holds a handle of. NULL on
 * error. */
GPtrArray *dm_archive_begun(DmArchive *archive, GError **error);

/* Those with this gateway id, as if just synced (DmArchiveDraft *, freed with the array). NULL on error. */
GPtrArray *dm_archive_resume(DmArchive *archive, const char *gateway_id, GError **error);

#endif
