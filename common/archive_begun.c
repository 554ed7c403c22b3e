#include "common/archive_writer.h"
#include "common/log.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* A move that failed is repeated at once, so that the line of what lies in begun/ is never older. */
#define MONTHS_SEARCHED 2U

/* What is in begun/ and nobody's: name -> the month whose manifest names it, or "". */
static GHashTable *list_orphans(const DmArchive *archive, GError **error)
{
    GDir *folder = dm_archive_open_folder(archive->begun, error);
    const char *name;

    if (folder == NULL)
        return NULL;
    GHashTable *orphans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_strdup(name);
        if (g_str_has_suffix(file, DM_ARCHIVE_ENVELOPE))
            file[strlen(file) - strlen(DM_ARCHIVE_ENVELOPE)] = '\0';
        if (!g_hash_table_contains(archive->held, file))
            g_hash_table_insert(orphans, g_steal_pointer(&file), (gpointer) "");
    }
    g_dir_close(folder);
    return orphans;
}

static gboolean search_month(const DmArchive *archive, const char *month, GHashTable *orphans, GError **error)
{
    g_autofree char *path = g_build_filename(archive->dir, month, DM_ARCHIVE_MANIFEST, NULL);
    g_autoptr(GString) line = g_string_new(NULL);
    FILE *file = g_fopen(path, "re");
    DmArchiveRead read = DM_ARCHIVE_LINE_ERROR;

    if (file == NULL)
        return dm_archive_fail(path, errno, error);
    while ((read = dm_archive_line_read(file, line)) == DM_ARCHIVE_LINE) {
        g_autofree char *name = dm_archive_line_get(line->str, "file");
        if (name != NULL && g_hash_table_contains(orphans, name))
            g_hash_table_insert(orphans, g_steal_pointer(&name), (gpointer)month);
    }
    int reason = errno;
    fclose(file);
    return read != DM_ARCHIVE_LINE_ERROR || dm_archive_fail(path, reason, error);
}

static gboolean remove_begun(const DmArchive *archive, const char *name, const char *suffix, GError **error)
{
    g_autofree char *path = g_strconcat(archive->begun, G_DIR_SEPARATOR_S, name, suffix, NULL);

    return g_unlink(path) == 0 || errno == ENOENT || dm_archive_fail(path, errno, error);
}

/* Nothing was submitted of what has no bytes yet, or no whole envelope. FALSE with `error`: that can't be told now, and
 * nothing may be removed. */
static gboolean may_be_sent(const DmArchive *archive, const char *name, gboolean *may_be, GError **error)
{
    g_autofree char *path = g_strconcat(archive->begun, G_DIR_SEPARATOR_S, name, DM_ARCHIVE_ENVELOPE, NULL);
    g_autofree char *bytes = g_build_filename(archive->begun, name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    GStatBuf info;

    *may_be = FALSE;
    if (g_stat(bytes, &info) != 0)
        return errno == ENOENT || dm_archive_fail(bytes, errno, error);
    if (info.st_size == 0)
        return TRUE;
    if (g_file_get_contents(path, &text, NULL, &problem)) {
        *may_be = g_str_has_suffix(text, "\n");
        return TRUE;
    }
    if (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "archive %s", problem->message);
    return FALSE;
}

static gboolean move(const DmArchive *archive, const char *name, const char *month, GError **error)
{
    g_autofree char *from = g_build_filename(archive->begun, name, NULL);
    g_autofree char *folder = g_build_filename(archive->dir, month, NULL);
    g_autofree char *to = g_build_filename(folder, name, NULL);

    if (g_rename(from, to) != 0 && errno != ENOENT)
        return dm_archive_fail(to, errno, error);
    return dm_archive_sync_folder(folder, error);
}

/* With a line it goes to its place; with an envelope it waits for what becomes of it; else it was never complete, and
 * nothing was answered or acknowledged on its ground. */
static gboolean settle(const DmArchive *archive, const char *name, const char *month, GError **error)
{
    const char *done = month[0] != '\0' ? "its line is there; it was put in its place" : "it was not complete";

    gboolean may_be = FALSE;

    if (month[0] == '\0' && !may_be_sent(archive, name, &may_be, error))
        return FALSE;
    if (may_be)
        return TRUE;
    if ((month[0] != '\0' && !move(archive, name, month, error)) || !remove_begun(archive, name, "", error) ||
        !remove_begun(archive, name, DM_ARCHIVE_ENVELOPE, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "archive-mended", DM_S("file", name), DM_S("reason", done));
    return TRUE;
}

gboolean dm_archive_mend(DmArchive *archive, GError **error)
{
    archive->unsettled = TRUE;
    if (!dm_archive_find_head(archive, error))
        return FALSE;

    g_autoptr(GHashTable) orphans = list_orphans(archive, error);
    guint months = archive->months->len, searched = 0;
    gpointer name, month;
    GHashTableIter iter;

    if (orphans == NULL)
        return FALSE;
    for (; searched < MIN(months, MONTHS_SEARCHED) && g_hash_table_size(orphans) > 0; searched++) {
        if (!search_month(archive, g_ptr_array_index(archive->months, months - 1 - searched), orphans, error))
            return FALSE;
    }
    g_hash_table_iter_init(&iter, orphans);
    while (g_hash_table_iter_next(&iter, &name, &month)) {
        if (!settle(archive, name, month, error))
            return FALSE;
    }
    archive->unsettled = FALSE;
    return TRUE;
}
