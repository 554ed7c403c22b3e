#include "common/archive_writer.h"
#include "common/step.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define END        ".eml"
#define RECIPIENTS "recipients"

struct DmArchiveDraft {
    DmArchive *archive;
    char *name;
    char *path;
    char *envelope;  /* the file */
    GString *fields; /* of the line, up to the recipients */
    GChecksum *sum;  /* NULL: of a former life of the program */
    gint64 size;     /* and */
    int fd;          /* only while it is written; else -1 */
    char *gateway_id;
    char **recipients;
    gboolean failed;
};

static DmArchiveDraft *new_draft(DmArchive *archive, const char *gateway_id, const char *name)
{
    DmArchiveDraft *draft = g_new0(DmArchiveDraft, 1);

    draft->archive = archive;
    draft->name = g_strdup(name);
    draft->path = g_build_filename(archive->begun, name, NULL);
    draft->envelope = g_strconcat(draft->path, DM_ARCHIVE_ENVELOPE, NULL);
    draft->fields = g_string_new(NULL);
    draft->gateway_id = g_strdup(gateway_id);
    draft->fd = -1;
    return draft;
}

void dm_archive_draft_free(DmArchiveDraft *draft)
{
    if (draft == NULL)
        return;
    if (draft->fd >= 0)
        close(draft->fd);
    dm_archive_release(draft->archive, draft->name, draft->failed);
    g_clear_pointer(&draft->sum, g_checksum_free);
    g_string_free(draft->fields, TRUE);
    g_strfreev(draft->recipients);
    g_free(draft->gateway_id);
    g_free(draft->envelope);
    g_free(draft->path);
    g_free(draft->name);
    g_free(draft);
}

const char *dm_archive_draft_gateway_id(const DmArchiveDraft *draft)
{
    return draft->gateway_id;
}

char *const *dm_archive_draft_recipients(const DmArchiveDraft *draft)
{
    return draft->recipients;
}

void dm_archive_draft_drop(DmArchiveDraft *draft)
{
    draft->failed |= g_unlink(draft->envelope) != 0 && errno != ENOENT;
    draft->failed |= g_unlink(draft->path) != 0 && errno != ENOENT;
}

static gboolean make_file(const char *path, int *fd, GError **error)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, DM_ARCHIVE_FILE_MODE);
    return *fd >= 0 || dm_archive_fail(path, errno, error);
}

static gboolean write_envelope(const DmArchiveDraft *draft, GError **error)
{
    g_autoptr(GString) line = g_string_new_len(draft->fields->str, (gssize)draft->fields->len);
    int fd;

    dm_archive_line_add_list(line, RECIPIENTS, draft->recipients);
    g_string_append_c(line, '\n');
    if (!make_file(draft->envelope, &fd, error))
        return FALSE;
    gboolean good = dm_archive_write(fd, draft->envelope, line->str, line->len, error) &&
                    (fdatasync(fd) == 0 || dm_archive_fail(draft->envelope, errno, error));
    close(fd);
    return good;
}

static void set_fields(DmArchiveDraft *draft, const DmArchiveEntry *entry)
{
    dm_archive_line_add(draft->fields, "tenant", entry->tenant);
    dm_archive_line_add(draft->fields, "direction", "sent");
    dm_archive_line_add(draft->fields, "gid", entry->gateway_id);
    dm_archive_line_add(draft->fields, "qid", entry->queue_id);
    dm_archive_line_add(draft->fields, "private_id", entry->private_id);
    dm_archive_line_add(draft->fields, "sender", entry->sender);
    draft->recipients = g_strdupv((char **)entry->recipients);
}

DmArchiveDraft *dm_archive_draft_new(DmArchive *archive, const DmArchiveEntry *entry, GError **error)
{
    g_autofree char *name =
        g_strdup_printf(DM_ARCHIVE_SENT "%s-%" G_GINT64_FORMAT END, entry->gateway_id, g_get_real_time());

    if (!dm_archive_is_file_name(name) || !dm_archive_hold(archive, name)) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "archive %s: %s can't be archived now", archive->dir, name);
        return NULL;
    }
    DmArchiveDraft *draft = new_draft(archive, entry->gateway_id, name);

    set_fields(draft, entry);
    draft->sum = g_checksum_new(G_CHECKSUM_SHA256);
    dm_step("archive-begin");
    if (make_file(draft->path, &draft->fd, error) && write_envelope(draft, error))
        return draft;
    dm_archive_draft_drop(draft);
    dm_archive_draft_free(draft);
    return NULL;
}

gboolean dm_archive_draft_write(DmArchiveDraft *draft, const void *bytes, gsize size, GError **error)
{
    if (!dm_archive_write(draft->fd, draft->path, bytes, size, error))
        return FALSE;
    g_checksum_update(draft->sum, bytes, (gssize)size);
    draft->size += (gint64)size;
    return TRUE;
}

gboolean dm_archive_draft_sync(DmArchiveDraft *draft, GError **error)
{
    if (fdatasync(draft->fd) != 0)
        return dm_archive_fail(draft->path, errno, error);
    if (!dm_archive_sync_folder(draft->archive->begun, error))
        return FALSE;
    dm_step("archive-begun");
    return TRUE;
}

static gboolean find_digest(DmArchiveDraft *draft, char digest[DM_ARCHIVE_HASH_SIZE], GError **error)
{
    if (draft->sum != NULL) {
        g_strlcpy(digest, g_checksum_get_string(draft->sum), DM_ARCHIVE_HASH_SIZE);
        return TRUE;
    }

    int fd = open(draft->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    gboolean good = fd >= 0 && dm_archive_digest(fd, digest, &draft->size);
    int reason = errno;

    if (fd >= 0)
        close(fd);
    return good || dm_archive_fail(draft->path, reason, error);
}

static void add_results(GString *fields, char *const *recipients, const DmArchiveResult *results)
{
    static const char *const keys[] = {[DM_ARCHIVE_ACCEPTED] = "accepted",
                                       [DM_ARCHIVE_REFUSED] = "refused",
                                       [DM_ARCHIVE_DEFERRED] = "deferred",
                                       [DM_ARCHIVE_UNKNOWN] = "unknown"};

    for (guint k = 0; k < G_N_ELEMENTS(keys); k++) {
        g_autoptr(GPtrArray) some = g_ptr_array_new();
        for (guint i = 0; recipients[i] != NULL; i++) {
            if (results[i] == (DmArchiveResult)k)
                g_ptr_array_add(some, recipients[i]);
        }
        g_ptr_array_add(some, NULL);
        dm_archive_line_add_list(fields, keys[k], (char *const *)some->pdata);
    }
}

gboolean dm_archive_draft_finish(DmArchiveDraft *draft, const char *provider_id, const DmArchiveResult *results,
                                 GError **error)
{
    g_autoptr(GString) fields = g_string_new_len(draft->fields->str, (gssize)draft->fields->len);
    char digest[DM_ARCHIVE_HASH_SIZE];

    dm_archive_line_add(fields, "id", provider_id);
    add_results(fields, draft->recipients, results);
    draft->failed = TRUE;
    if (!find_digest(draft, digest, error) || !dm_archive_enter(draft->archive, error))
        return FALSE;
    gboolean good = dm_archive_append(draft->archive, fields->str, draft->name, digest, draft->size, error);
    g_mutex_unlock(&draft->archive->lock);
    if (!good)
        return FALSE;
    draft->failed = g_unlink(draft->envelope) != 0;
    dm_step("archive-done");
    return TRUE;
}

/* The gateway id in the name of a draft; NULL if it is none. */
static char *gateway_id_of(const char *name)
{
    const char *id = g_str_has_prefix(name, DM_ARCHIVE_SENT) ? name + strlen(DM_ARCHIVE_SENT) : "";
    const char *end = strrchr(id, '-');

    return end != NULL && g_str_has_suffix(name, END) ? g_strndup(id, (gsize)(end - id)) : NULL;
}

/* Names (char *) of what is begun under this gateway id, or with NULL under any. What a failure has left is mended
 * before. */
static GPtrArray *list_begun(DmArchive *archive, const char *gateway_id, GError **error)
{
    if (!dm_archive_enter(archive, error))
        return NULL;

    GDir *folder = dm_archive_open_folder(archive->begun, error);
    GPtrArray *names = folder != NULL ? g_ptr_array_new_with_free_func(g_free) : NULL;
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *id = gateway_id_of(name);
        if (id != NULL && (gateway_id == NULL || strcmp(id, gateway_id) == 0) &&
            !g_hash_table_contains(archive->held, name))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_clear_pointer(&folder, g_dir_close);
    g_mutex_unlock(&archive->lock);
    return names;
}

GPtrArray *dm_archive_begun(DmArchive *archive, GError **error)
{
    g_autoptr(GPtrArray) names = list_begun(archive, NULL, error);
    GPtrArray *ids = names != NULL ? g_ptr_array_new_with_free_func(g_free) : NULL;

    for (guint i = 0; names != NULL && i < names->len; i++) {
        char *id = gateway_id_of(g_ptr_array_index(names, i));
        if (g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL))
            g_free(id);
        else
            g_ptr_array_add(ids, id);
    }
    return ids;
}

/* With the name held. */
static DmArchiveDraft *resume_one(DmArchive *archive, const char *gateway_id, const char *name, GError **error)
{
    g_autoptr(DmArchiveDraft) draft = new_draft(archive, gateway_id, name);
    g_autofree char *line = NULL;
    g_autoptr(GError) reason = NULL;

    if (!g_file_get_contents(draft->envelope, &line, NULL, &reason)) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "archive %s", reason->message);
        return NULL;
    }
    const char *end = strstr(line, " " RECIPIENTS "=");

    draft->recipients = dm_archive_line_get_list(line, RECIPIENTS);
    g_string_append_len(draft->fields, line, end != NULL ? end + 1 - line : (gssize)strcspn(line, "\n"));
    return g_steal_pointer(&draft);
}

static void free_draft(gpointer draft)
{
    dm_archive_draft_free(draft);
}

GPtrArray *dm_archive_resume(DmArchive *archive, const char *gateway_id, GError **error)
{
    g_autoptr(GPtrArray) names = list_begun(archive, gateway_id, error);
    g_autoptr(GPtrArray) drafts = g_ptr_array_new_with_free_func(free_draft);

    if (names == NULL)
        return NULL;
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        DmArchiveDraft *draft = dm_archive_hold(archive, name) ? resume_one(archive, gateway_id, name, error) : NULL;
        if (draft == NULL && error != NULL && *error != NULL)
            return NULL;
        if (draft != NULL)
            g_ptr_array_add(drafts, draft);
    }
    return g_steal_pointer(&drafts);
}
