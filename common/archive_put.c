#include "common/archive_writer.h"
#include "common/step.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define CHUNK 65536

/* What comes once more has the same name, and the same bytes. */
static char *name_of(const DmArchiveEntry *entry, const char *digest)
{
    g_autofree char *identity = g_strjoin("\n", entry->tenant, entry->provider_id, digest, NULL);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, identity, -1);

    return g_strdup_printf("received-%.32s.eml", hash);
}

static GString *fields_of(const DmArchiveEntry *entry)
{
    GString *fields = g_string_new(NULL);

    dm_archive_line_add(fields, "tenant", entry->tenant);
    dm_archive_line_add(fields, "direction", "received");
    dm_archive_line_add(fields, "type", entry->type);
    dm_archive_line_add(fields, "gid", entry->gateway_id);
    dm_archive_line_add(fields, "qid", entry->queue_id);
    dm_archive_line_add(fields, "id", entry->provider_id);
    dm_archive_line_add(fields, "private_id", entry->private_id);
    dm_archive_line_add(fields, "sender", entry->sender);
    dm_archive_line_add_list(fields, "recipients", entry->recipients);
    dm_archive_line_add(fields, "verified", entry->verified);
    dm_archive_line_add(fields, "reasons", entry->reasons);
    return fields;
}

static gboolean copy_bytes(int from, int to, const char *path, GError **error)
{
    g_autofree char *chunk = g_malloc(CHUNK);
    off_t offset = 0;
    gssize n;

    while ((n = pread(from, chunk, CHUNK, offset)) > 0) {
        if (!dm_archive_write(to, path, chunk, (gsize)n, error))
            return FALSE;
        offset += n;
    }
    if (n < 0 || fdatasync(to) != 0)
        return dm_archive_fail(path, errno, error);
    return TRUE;
}

static gboolean copy_to_begun(const DmArchive *archive, const char *name, int fd, GError **error)
{
    g_autofree char *path = g_build_filename(archive->begun, name, NULL);
    int copy = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, DM_ARCHIVE_FILE_MODE);

    if (copy < 0)
        return dm_archive_fail(path, errno, error);
    dm_step("archive-begin");
    gboolean good = copy_bytes(fd, copy, path, error) && dm_archive_sync_folder(archive->begun, error);
    close(copy);
    if (good)
        dm_step("archive-begun");
    else
        g_unlink(path);
    return good;
}

/* *known: it has been archived before. */
static gboolean look_up(DmArchive *archive, const char *name, gboolean *known, GError **error)
{
    if (!dm_archive_enter(archive, error))
        return FALSE;
    gboolean good = dm_archive_has(archive, name, known, error);
    g_mutex_unlock(&archive->lock);
    return good;
}

static gboolean put_held(DmArchive *archive, const DmArchiveEntry *entry, const char *name, const char *digest,
                         gint64 size, int fd, GError **error)
{
    g_autoptr(GString) fields = fields_of(entry);

    if (!copy_to_begun(archive, name, fd, error) || !dm_archive_enter(archive, error))
        return FALSE;
    gboolean good = dm_archive_append(archive, fields->str, name, digest, size, error);
    g_mutex_unlock(&archive->lock);
    return good;
}

gboolean dm_archive_put(DmArchive *archive, const DmArchiveEntry *entry, int fd, GError **error)
{
    char digest[DM_ARCHIVE_HASH_SIZE];
    gboolean known = FALSE;
    gint64 size;

    if (!dm_archive_digest(fd, digest, &size))
        return dm_archive_fail("the fetched message", errno, error);

    g_autofree char *name = name_of(entry, digest);

    if (!look_up(archive, name, &known, error) || known)
        return known;
    if (!dm_archive_hold(archive, name)) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "archive %s: this message is being archived", archive->dir);
        return FALSE;
    }
    gboolean good = put_held(archive, entry, name, digest, size, fd, error);
    dm_archive_release(archive, name, !good);
    return good;
}
