#include "common/archive_writer.h"
#include "common/log.h"
#include "common/step.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536

static const char *last_month(const DmArchive *archive)
{
    return archive->months->len > 0 ? g_ptr_array_index(archive->months, archive->months->len - 1) : NULL;
}

static char *manifest_path(const DmArchive *archive, const char *month)
{
    return g_build_filename(archive->dir, month, DM_ARCHIVE_MANIFEST, NULL);
}

static int open_manifest(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, DM_ARCHIVE_FILE_MODE);

    if (fd < 0)
        dm_archive_fail(path, errno, error);
    return fd;
}

/* Where the last line's end before `end` lies, or -1 if there is none. FALSE with errno. */
static gboolean find_end_before(int fd, off_t end, off_t *found)
{
    g_autofree char *chunk = g_malloc(CHUNK);

    *found = -1;
    while (end > 0) {
        off_t from = end > CHUNK ? end - CHUNK : 0;
        gssize n = pread(fd, chunk, (gsize)(end - from), from);
        if (n != end - from) {
            errno = n < 0 ? errno : EIO;
            return FALSE;
        }
        const char *last = memrchr(chunk, '\n', (gsize)n);
        if (last != NULL) {
            *found = from + (last - chunk);
            return TRUE;
        }
        end = from;
    }
    return TRUE;
}

/* Cuts off what follows the last line's end; *end is where that is then. A process that was killed may have written a
 * line and not synced it: what is done on its ground from here on needs it on the disk. */
static gboolean cut_torn_line(int fd, const char *path, off_t *end, GError **error)
{
    struct stat info;
    off_t newline;

    if (fstat(fd, &info) != 0 || !find_end_before(fd, info.st_size, &newline))
        return dm_archive_fail(path, errno, error);
    *end = newline + 1;
    if ((*end < info.st_size && ftruncate(fd, *end) != 0) || fsync(fd) != 0)
        return dm_archive_fail(path, errno, error);
    if (*end == info.st_size)
        return TRUE;
    dm_log(DM_LOG_WARNING, "archive-mended", DM_S("file", path), DM_N("bytes", info.st_size - *end),
           DM_S("reason", "the last line was not whole; its message is archived anew"));
    return TRUE;
}

/* The last line becomes the head; *found: there is one. */
static gboolean read_head(DmArchive *archive, int fd, const char *path, off_t end, gboolean *found, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    off_t before;

    *found = end > 0;
    if (end == 0)
        return TRUE;
    if (!find_end_before(fd, end - 1, &before))
        return dm_archive_fail(path, errno, error);
    g_string_set_size(line, (gsize)MIN(end - before - 1, DM_ARCHIVE_LINE_MAX));
    if (pread(fd, line->str, line->len, before + 1) != (gssize)line->len)
        return dm_archive_fail(path, EIO, error);
    if (!g_str_has_suffix(line->str, "\n") || !dm_archive_line_get_number(line->str, "seq", &archive->seq)) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "archive %s: its last line is none; see what \"demailctl archive verify %s\" says, and restore it",
                    path, archive->dir);
        return FALSE;
    }
    dm_archive_line_hash(line, archive->head);
    return TRUE;
}

/* A crash may have left a month without a line. */
static gboolean read_months(DmArchive *archive, GError **error)
{
    gboolean found = FALSE, good = TRUE;

    for (guint i = archive->months->len; good && !found && i > 0; i--) {
        g_autofree char *path = manifest_path(archive, g_ptr_array_index(archive->months, i - 1));
        gboolean last = i == archive->months->len;
        off_t end;
        int fd = open_manifest(path, error);
        good = fd >= 0 && cut_torn_line(fd, path, &end, error) && read_head(archive, fd, path, end, &found, error);
        if (good && last) {
            archive->manifest = fd;
            archive->length = end;
        } else if (fd >= 0) {
            close(fd);
        }
    }
    return good;
}

gboolean dm_archive_find_head(DmArchive *archive, GError **error)
{
    GPtrArray *months = dm_archive_months(archive->dir, error);

    if (months == NULL)
        return FALSE;
    g_clear_pointer(&archive->months, g_ptr_array_unref);
    archive->months = months;
    if (archive->manifest >= 0)
        close(archive->manifest);
    archive->manifest = -1;
    archive->length = 0;
    archive->seq = 0;
    g_strlcpy(archive->head, DM_ARCHIVE_NO_HASH, sizeof archive->head);
    return read_months(archive, error);
}

static gboolean begin_month(DmArchive *archive, const char *month, GError **error)
{
    g_autofree char *folder = g_build_filename(archive->dir, month, NULL);
    g_autofree char *path = manifest_path(archive, month);
    int fd = -1;

    if (g_mkdir(folder, DM_ARCHIVE_FOLDER_MODE) != 0 && errno != EEXIST)
        return dm_archive_fail(folder, errno, error);
    if (!dm_archive_sync_folder(archive->dir, error) || (fd = open_manifest(path, error)) < 0)
        return FALSE;
    if (!dm_archive_sync_folder(folder, error)) {
        close(fd);
        return FALSE;
    }
    if (archive->manifest >= 0)
        close(archive->manifest);
    archive->manifest = fd;
    archive->length = 0;
    g_ptr_array_add(archive->months, g_strdup(month));
    return TRUE;
}

/* A clock that goes back does not: months are read in their order. */
static gboolean enter_month(DmArchive *archive, GDateTime *now, GError **error)
{
    g_autofree char *month = g_date_time_format(now, "%Y-%m");

    if (archive->manifest >= 0 && strcmp(month, last_month(archive)) <= 0)
        return TRUE;
    return begin_month(archive, month, error);
}

static gboolean write_line(DmArchive *archive, const GString *line, GError **error)
{
    g_autofree char *path = manifest_path(archive, last_month(archive));

    dm_step("archive-line");
    gboolean good = dm_archive_write(archive->manifest, path, line->str, line->len, error);
    if (good && fdatasync(archive->manifest) != 0)
        good = dm_archive_fail(path, errno, error);
    dm_step("archive-lined");
    if (good)
        return TRUE;
    archive->unsettled = TRUE;
    /* What can't be cut off now is looked at anew, and then has its file or is torn. */
    (void)!ftruncate(archive->manifest, archive->length);
    return FALSE;
}

static gboolean move_to_place(DmArchive *archive, const char *name, GError **error)
{
    g_autofree char *from = g_build_filename(archive->begun, name, NULL);
    g_autofree char *folder = g_build_filename(archive->dir, last_month(archive), NULL);
    g_autofree char *to = g_build_filename(folder, name, NULL);

    if (g_rename(from, to) != 0) {
        archive->unsettled = TRUE;
        return dm_archive_fail(to, errno, error);
    }
    /* Needs no sync: should a power failure undo it, the line is there, and the next start moves it again. */
    dm_step("archive-moved");
    return TRUE;
}

gboolean dm_archive_append(DmArchive *archive, const char *fields, const char *name, const char *digest, gint64 size,
                           GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autoptr(GString) line = g_string_new(NULL);

    if (!enter_month(archive, now, error))
        return FALSE;
    dm_archive_line_add_number(line, "seq", archive->seq + 1);
    dm_archive_line_add(line, "time", time);
    g_string_append(line, fields);
    dm_archive_line_add_number(line, "size", size);
    dm_archive_line_add(line, "sha256", digest);
    dm_archive_line_add(line, "file", name);
    g_string_append_printf(line, "prev=%s\n", archive->head);
    if (!write_line(archive, line, error))
        return FALSE;
    archive->seq++;
    archive->length += (off_t)line->len;
    dm_archive_line_hash(line, archive->head);

    g_autofree char *tenant = dm_archive_line_get(line->str, "tenant");
    g_autofree char *direction = dm_archive_line_get(line->str, "direction");
    g_autofree char *gid = dm_archive_line_get(line->str, "gid");
    g_autofree char *qid = dm_archive_line_get(line->str, "qid");
    g_autofree char *id = dm_archive_line_get(line->str, "id");

    dm_log(DM_LOG_INFO, "archived", DM_S("qid", qid), DM_S("gid", gid), DM_S("tenant", tenant), DM_S("id", id),
           DM_S("direction", direction), DM_N("seq", archive->seq), DM_S("file", name), DM_S("head", archive->head));
    return move_to_place(archive, name, error);
}
