#include "ctl/export_folder.h"

#include "ctl/export_mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP           65536
#define COMMIT_MAX     64 /* messages between two commits */
#define COMMIT_SECONDS 1
#define NAME_MAX_SAFE  100 /* octets of an id that is a file name, too */
#define HASHED         "sha256-"

/* A folder of the account. */
typedef struct {
    char *name; /* of the file or the folder */
    int fd;
    gboolean changed; /* since the last commit */
} Part;

struct DmExportFolder {
    int dir;
    const DmManifestHead *head;
    char *const *folders;
    Part *parts; /* one for each of `folders` */
    DmManifest *manifest;
    guint uncommitted;
    gint64 committed; /* monotonic microseconds */
    gboolean broken;  /* a commit failed */
};

static gboolean fail_os(const char *file, const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s: %s; the same command goes on where it stopped", file, what,
                g_strerror(errno));
    return FALSE;
}

/* Cuts the mbox behind the last message that the manifest knows. */
static gboolean open_mbox(DmExportFolder *folder, Part *part, gint64 *cut, GError **error)
{
    gint64 end = dm_manifest_end(folder->manifest, part->name);
    struct stat status;

    part->fd = openat(folder->dir, part->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (part->fd < 0 || fstat(part->fd, &status) != 0)
        return fail_os(part->name, "opening it", error);
    if (status.st_size < end) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT,
                    "%s: has %" G_GINT64_FORMAT " bytes, but %s knows of %" G_GINT64_FORMAT
                    "; the export is damaged: keep it, and export into a new folder",
                    part->name, (gint64)status.st_size, DM_MANIFEST_FILE, end);
        return FALSE;
    }
    *cut += status.st_size - end;
    part->changed = TRUE; /* also its name */
    return ftruncate(part->fd, end) == 0 || fail_os(part->name, "cutting off an incomplete message", error);
}

static gboolean open_part(DmExportFolder *folder, guint i, gint64 *cut, GError **error)
{
    Part *part = &folder->parts[i];

    part->name = folder->head->mbox ? g_strconcat(folder->folders[i], ".mbox", NULL) : g_strdup(folder->folders[i]);
    if (folder->head->mbox)
        return open_mbox(folder, part, cut, error);
    if (mkdirat(folder->dir, part->name, 0700) != 0 && errno != EEXIST)
        return fail_os(part->name, "making the folder", error);
    part->fd = openat(folder->dir, part->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return part->fd >= 0 || fail_os(part->name, "opening the folder", error);
}

static gboolean open_parts(DmExportFolder *folder, gint64 *cut, GError **error)
{
    guint count = g_strv_length((char **)folder->folders);

    folder->parts = g_new0(Part, count + 1);
    for (guint i = 0; i < count; i++)
        folder->parts[i].fd = -1;
    for (guint i = 0; i < count; i++) {
        if (!open_part(folder, i, cut, error))
            return FALSE;
    }
    return fsync(folder->dir) == 0 || fail_os(DM_MANIFEST_FILE, "syncing its folder", error);
}

/* Without its manifest an mbox would be cut down to nothing; one that is empty was begun before any mbox. */
static gboolean is_ours(const DmExportFolder *folder, GError **error)
{
    struct stat status;

    if (fstatat(folder->dir, DM_MANIFEST_FILE, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size > 0)
        return TRUE;
    for (guint i = 0; folder->folders[i] != NULL; i++) {
        g_autofree char *name = g_strconcat(folder->folders[i], ".mbox", NULL);

        if (fstatat(folder->dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "%s: is there without a %s; name another folder with --out",
                        name, DM_MANIFEST_FILE);
            return FALSE;
        }
    }
    return TRUE;
}

DmExportFolder *dm_export_folder_open(int dir, const DmManifestHead *head, char *const *folders, gboolean *made,
                                      gint64 *cut, GError **error)
{
    g_autoptr(DmExportFolder) folder = g_new0(DmExportFolder, 1);

    *cut = 0;
    folder->dir = dir;
    folder->head = head;
    folder->folders = folders;
    folder->committed = g_get_monotonic_time();
    if (is_ours(folder, error))
        folder->manifest = dm_manifest_open(dir, head, made, error);
    if (folder->manifest == NULL || !open_parts(folder, cut, error))
        return NULL;
    return g_steal_pointer(&folder);
}

void dm_export_folder_close(DmExportFolder *folder)
{
    if (folder == NULL)
        return;
    for (guint i = 0; folder->parts != NULL && folder->folders[i] != NULL; i++) {
        if (folder->parts[i].fd >= 0)
            close(folder->parts[i].fd);
        g_free(folder->parts[i].name);
    }
    g_free(folder->parts);
    if (folder->manifest != NULL) /* else they may be another's */
        dm_fetch_clean(folder->dir);
    dm_manifest_close(folder->manifest);
    close(folder->dir);
    g_free(folder);
}

int dm_export_folder_dir(const DmExportFolder *folder)
{
    return folder->dir;
}

DmManifest *dm_export_folder_manifest(const DmExportFolder *folder)
{
    return folder->manifest;
}

static Part *part_of(DmExportFolder *folder, const char *name)
{
    guint i = 0;

    while (strcmp(folder->folders[i], name) != 0)
        i++;
    return &folder->parts[i];
}

static gboolean append(int fd, GString *text, gint64 *at)
{
    for (gsize done = 0; done < text->len;) {
        ssize_t n = pwrite(fd, text->str + done, text->len - done, *at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        done += (gsize)n;
        *at += n;
    }
    g_string_truncate(text, 0);
    return TRUE;
}

/* Writes the message from `*at` on, and moves that to its end. FALSE with errno. */
static gboolean write_mbox(const DmExportFolder *folder, const DmFetch *fetch, int fd, gint64 *at)
{
    g_autofree char *line = dm_mbox_from_line(folder->head->account, fetch->entry->received);
    g_autofree char *buffer = g_malloc(STEP);
    g_autoptr(GString) text = g_string_new(line);
    DmMbox mbox = {.crlf = fetch->crlf};
    gint64 done = 0;
    ssize_t n;

    while ((n = pread(fetch->fd, buffer, STEP, done)) > 0) {
        dm_mbox_write(&mbox, buffer, (gsize)n, text);
        if (!append(fd, text, at))
            return FALSE;
        done += n;
    }
    dm_mbox_write_end(&mbox, text);
    return n == 0 && append(fd, text, at);
}

static gboolean put_into_mbox(DmExportFolder *folder, const DmFetch *fetch, Part *part, DmManifestMessage *message,
                              GError **error)
{
    gint64 end = dm_manifest_end(folder->manifest, part->name);

    message->file = part->name;
    message->offset = end;
    message->crlf = fetch->crlf;
    if (!write_mbox(folder, fetch, part->fd, &end))
        return fail_os(part->name, "writing a message", error);
    message->length = end - message->offset;
    return TRUE;
}

/* The id, as far as it makes a file name; one that does not is hashed. */
static char *name_of(const char *id)
{
    static const char safe[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-";
    gsize length = strlen(id);

    if (length <= NAME_MAX_SAFE && strspn(id, safe) == length && id[0] != '.' && !g_str_has_prefix(id, HASHED))
        return g_strdup(id);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    return g_strconcat(HASHED, hash, NULL);
}

static gboolean put_as_file(DmExportFolder *folder, const DmFetch *fetch, const Part *part, char **file,
                            DmManifestMessage *message, GError **error)
{
    g_autofree char *name = name_of(fetch->entry->id);

    *file = g_strconcat(part->name, "/", name, ".eml", NULL);
    message->file = *file;
    message->length = fetch->size;
    return renameat(folder->dir, fetch->file, folder->dir, *file) == 0 ||
           fail_os(*file, "renaming a file to it", error);
}

gboolean dm_export_folder_put(DmExportFolder *folder, const DmFetch *fetch, GError **error)
{
    Part *part = part_of(folder, fetch->folder);
    g_autofree char *file = NULL;
    DmManifestMessage message = {
        .id = fetch->entry->id,
        .folder = fetch->folder,
        .size = fetch->size,
        .sha256 = fetch->sha256,
        .received = fetch->entry->received,
        .type = fetch->entry->type,
        .private_id = fetch->entry->private_id,
        .verification = fetch->verification,
    };

    if (!(folder->head->mbox ? put_into_mbox(folder, fetch, part, &message, error)
                             : put_as_file(folder, fetch, part, &file, &message, error)))
        return FALSE;
    part->changed = TRUE;
    dm_manifest_add(folder->manifest, &message);
    if (++folder->uncommitted < COMMIT_MAX &&
        g_get_monotonic_time() - folder->committed < COMMIT_SECONDS * G_USEC_PER_SEC)
        return TRUE;
    return dm_export_folder_commit(folder, error);
}

/* A second fsync() succeeds although the first has lost what was to be written. */
gboolean dm_export_folder_commit(DmExportFolder *folder, GError **error)
{
    if (folder->broken) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: what is not in it was not written; the same command goes on",
                    DM_MANIFEST_FILE);
        return FALSE;
    }
    folder->broken = TRUE;
    for (guint i = 0; folder->folders[i] != NULL; i++) {
        Part *part = &folder->parts[i];

        if (part->changed && fsync(part->fd) != 0)
            return fail_os(part->name, "writing it", error);
        part->changed = FALSE;
    }
    if (!dm_manifest_sync(folder->manifest, error))
        return FALSE;
    folder->broken = FALSE;
    folder->uncommitted = 0;
    folder->committed = g_get_monotonic_time();
    return TRUE;
}
