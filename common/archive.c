#include "common/archive_writer.h"
#include "common/write.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOO_OPEN 0027 /* whoever may write there can change the past; whoever may enter reads everybody's De-Mail */

gboolean dm_archive_fail(const char *path, int reason, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "archive %s: %s", path, g_strerror(reason));
    return FALSE;
}

gboolean dm_archive_sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    gboolean good = fd >= 0 && fsync(fd) == 0;
    int reason = errno;

    if (fd >= 0)
        close(fd);
    return good || dm_archive_fail(path, reason, error);
}

gboolean dm_archive_write(int fd, const char *path, const void *bytes, gsize size, GError **error)
{
    return dm_write_all(fd, bytes, size) || dm_archive_fail(path, errno, error);
}

gboolean dm_archive_check(const char *dir, GError **error)
{
    struct stat info;

    if (lstat(dir, &info) != 0 || !S_ISDIR(info.st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT,
                    "archive_dir %s: is no folder; make it, mode 0700, and give it to demail-poller's user", dir);
        return FALSE;
    }
    if (info.st_uid != geteuid()) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "archive_dir %s: belongs to another user; give it to demail-poller's user with chown", dir);
        return FALSE;
    }
    if ((info.st_mode & TOO_OPEN) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "archive_dir %s: others may enter it or its group may write there; chmod 700 (or 750) %s", dir,
                    dir);
        return FALSE;
    }
    if (g_access(dir, R_OK | W_OK | X_OK) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "archive_dir %s: can't be written: %s; chmod 700 %s, and add it to ReadWritePaths= of the unit",
                    dir, g_strerror(errno), dir);
        return FALSE;
    }
    return TRUE;
}

static gboolean take_lock(DmArchive *archive, GError **error)
{
    g_autofree char *path = g_build_filename(archive->dir, DM_ARCHIVE_LOCK, NULL);

    archive->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, DM_ARCHIVE_FILE_MODE);
    if (archive->lock_fd < 0)
        return dm_archive_fail(path, errno, error);
    if (flock(archive->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno != EWOULDBLOCK)
        return dm_archive_fail(path, errno, error);
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                "archive_dir %s: another process has it in use; stop that one or choose another archive_dir",
                archive->dir);
    return FALSE;
}

static gboolean make_begun(DmArchive *archive, GError **error)
{
    if (g_mkdir(archive->begun, DM_ARCHIVE_FOLDER_MODE) != 0 && errno != EEXIST)
        return dm_archive_fail(archive->begun, errno, error);
    return dm_archive_sync_folder(archive->dir, error);
}

DmArchive *dm_archive_open(const char *dir, GError **error)
{
    if (!dm_archive_check(dir, error))
        return NULL;

    g_autoptr(DmArchive) archive = g_new0(DmArchive, 1);

    archive->dir = g_strdup(dir);
    archive->begun = g_build_filename(dir, DM_ARCHIVE_BEGUN, NULL);
    archive->lock_fd = -1;
    archive->manifest = -1;
    archive->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&archive->lock);
    if (!take_lock(archive, error) || !make_begun(archive, error) || !dm_archive_mend(archive, error))
        return NULL;
    return g_steal_pointer(&archive);
}

void dm_archive_close(DmArchive *archive)
{
    if (archive == NULL)
        return;
    if (archive->manifest >= 0)
        close(archive->manifest);
    if (archive->lock_fd >= 0)
        close(archive->lock_fd);
    g_clear_pointer(&archive->months, g_ptr_array_unref);
    g_hash_table_unref(archive->held);
    g_mutex_clear(&archive->lock);
    g_free(archive->begun);
    g_free(archive->dir);
    g_free(archive);
}

gboolean dm_archive_enter(DmArchive *archive, GError **error)
{
    g_mutex_lock(&archive->lock);
    if (!archive->unsettled || dm_archive_mend(archive, error))
        return TRUE;
    g_mutex_unlock(&archive->lock);
    return FALSE;
}

gboolean dm_archive_has(const DmArchive *archive, const char *name, gboolean *known, GError **error)
{
    *known = FALSE;
    for (guint i = archive->months->len; i > 0 && !*known; i--) {
        g_autofree char *path = g_build_filename(archive->dir, g_ptr_array_index(archive->months, i - 1), name, NULL);
        *known = g_access(path, F_OK) == 0;
        if (!*known && errno != ENOENT)
            return dm_archive_fail(path, errno, error);
    }
    return TRUE;
}

gboolean dm_archive_hold(DmArchive *archive, const char *name)
{
    g_mutex_lock(&archive->lock);
    gboolean taken = !g_hash_table_contains(archive->held, name) && g_hash_table_add(archive->held, g_strdup(name));
    g_mutex_unlock(&archive->lock);
    return taken;
}

void dm_archive_release(DmArchive *archive, const char *name, gboolean failed)
{
    g_mutex_lock(&archive->lock);
    archive->unsettled |= failed;
    g_hash_table_remove(archive->held, name);
    g_mutex_unlock(&archive->lock);
}
