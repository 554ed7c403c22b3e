/*
 * What the parts of the archive's writer share.
 */
#ifndef DEMAIL_COMMON_ARCHIVE_WRITER_H
#define DEMAIL_COMMON_ARCHIVE_WRITER_H

#include "common/archive.h"
#include "common/archive_line.h"

#include <sys/types.h>

#define DM_ARCHIVE_FILE_MODE   0640
#define DM_ARCHIVE_FOLDER_MODE 0750
#define DM_ARCHIVE_ENVELOPE    ".envelope" /* behind the name of a draft in begun/: the file that has its envelope */
#define DM_ARCHIVE_SENT        "sent-"

struct DmArchive {
    char *dir;
    char *begun; /* the folder */
    int lock_fd;

    GMutex lock;       /* of all that follows */
    GPtrArray *months; /* char *, in order; the last is written to */
    int manifest;      /* its manifest; -1: no month yet */
    off_t length;      /* of the manifest */
    gint64 seq;        /* of the last line, and */
    char head[DM_ARCHIVE_HASH_SIZE];
    gboolean unsettled; /* something failed in between; to be mended first */
    GHashTable *held;   /* char *, the files in begun/ with somebody at work */
};

/* Sets DM_ERROR_TEMPORARY: "archive PATH: reason"; FALSE. */
gboolean dm_archive_fail(const char *path, int reason, GError **error);

/* So that names in the folder outlive a crash. */
gboolean dm_archive_sync_folder(const char *path, GError **error);

gboolean dm_archive_write(int fd, const char *path, const void *bytes, gsize size, GError **error);

/* With the lock held. Looks for the last line, and cuts off one that has no end. */
gboolean dm_archive_find_head(DmArchive *archive, GError **error);

/* With the lock held, all mended: one line of `fields`, size, digest and name, then the file goes from begun/ to its
 * place. */
gboolean dm_archive_append(DmArchive *archive, const char *fields, const char *name, const char *digest, gint64 size,
                           GError **error);

/* With the lock held. Finds the head anew and does away with what is half done in begun/, unless it is held. */
gboolean dm_archive_mend(DmArchive *archive, GError **error);

/* Takes the lock and mends if need be. FALSE: nothing is locked. */
gboolean dm_archive_enter(DmArchive *archive, GError **error);

/* With the lock held. *known: whether a file of this name has its line. */
gboolean dm_archive_has(const DmArchive *archive, const char *name, gboolean *known, GError **error);

/* FALSE if it is held already. Without the lock. */
gboolean dm_archive_hold(DmArchive *archive, const char *name);

/* With `failed`, it is looked at before anything else is done. Without the lock. */
void dm_archive_release(DmArchive *archive, const char *name, gboolean failed);

#endif
