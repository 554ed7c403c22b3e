#include "common/archive_line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

/* What stands unescaped beside letters, digits and "-._~". */
#define PLAIN      "@!$&'()*+/:;<>?[]^`{|}#="
#define PLAIN_LIST PLAIN ","

static void add_escaped(GString *line, const char *key, const char *value, const char *plain)
{
    g_autofree char *escaped = g_uri_escape_string(value, plain, FALSE);

    g_string_append_printf(line, "%s=%s ", key, escaped);
}

void dm_archive_line_add(GString *line, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        add_escaped(line, key, value, PLAIN_LIST);
}

void dm_archive_line_add_number(GString *line, const char *key, gint64 number)
{
    g_string_append_printf(line, "%s=%" G_GINT64_FORMAT " ", key, number);
}

void dm_archive_line_add_list(GString *line, const char *key, char *const *values)
{
    if (values == NULL || values[0] == NULL)
        return;
    g_string_append_printf(line, "%s=", key);
    for (gsize i = 0; values[i] != NULL; i++) {
        g_autofree char *escaped = g_uri_escape_string(values[i], PLAIN, FALSE);
        g_string_append_printf(line, "%s%s", i > 0 ? "," : "", escaped);
    }
    g_string_append_c(line, ' ');
}

/* As it stands in the line; NULL if there is none. */
static char *find(const char *line, const char *key)
{
    gsize length = strlen(key);

    for (const char *field = line; *field != '\0'; field += strspn(field, " \n")) {
        gsize end = strcspn(field, " \n");
        if (end > length && strncmp(field, key, length) == 0 && field[length] == '=')
            return g_strndup(field + length + 1, end - length - 1);
        field += end;
    }
    return NULL;
}

char *dm_archive_line_get(const char *line, const char *key)
{
    g_autofree char *value = find(line, key);

    return value != NULL ? g_uri_unescape_string(value, NULL) : NULL;
}

char **dm_archive_line_get_list(const char *line, const char *key)
{
    g_autofree char *value = find(line, key);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(value != NULL ? value : "", ",", -1);

    for (char **part = parts; *part != NULL; part++) {
        char *plain = g_uri_unescape_string(*part, NULL);
        if (plain != NULL)
            g_ptr_array_add(list, plain);
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_steal(list, NULL);
}

gboolean dm_archive_line_get_number(const char *line, const char *key, gint64 *number)
{
    g_autofree char *value = find(line, key);

    return value != NULL && g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, number, NULL);
}

void dm_archive_line_hash(const GString *line, char hash[DM_ARCHIVE_HASH_SIZE])
{
    g_autofree char *hex = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)line->str, line->len);

    g_strlcpy(hash, hex, DM_ARCHIVE_HASH_SIZE);
}

DmArchiveRead dm_archive_line_read(FILE *file, GString *line)
{
    int c;

    g_string_truncate(line, 0);
    while (line->len < DM_ARCHIVE_LINE_MAX && (c = getc_unlocked(file)) != EOF) {
        g_string_append_c(line, (char)c);
        if (c == '\n')
            return DM_ARCHIVE_LINE;
    }
    if (ferror(file))
        return DM_ARCHIVE_LINE_ERROR;
    return line->len > 0 ? DM_ARCHIVE_LINE_TORN : DM_ARCHIVE_LINE_END;
}

gboolean dm_archive_is_month(const char *name)
{
    static const char digits[] = "0123456789";

    return strlen(name) == 7 && strspn(name, digits) == 4 && name[4] == '-' && strspn(name + 5, digits) == 2;
}

gboolean dm_archive_is_file_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) < 256 &&
           !g_str_has_prefix(name, DM_ARCHIVE_MANIFEST);
}

GDir *dm_archive_open_folder(const char *path, GError **error)
{
    g_autoptr(GError) reason = NULL;
    GDir *folder = g_dir_open(path, 0, &reason);

    if (folder == NULL)
        g_set_error_literal(error, DM_ERROR,
                            g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? DM_ERROR_NOINPUT
                                                                                      : DM_ERROR_TEMPORARY,
                            reason->message);
    return folder;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *dm_archive_months(const char *dir, GError **error)
{
    GDir *folder = dm_archive_open_folder(dir, error);
    const char *name;

    if (folder == NULL)
        return NULL;
    GPtrArray *months = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(folder)) != NULL) {
        if (dm_archive_is_month(name))
            g_ptr_array_add(months, g_strdup(name));
    }
    g_dir_close(folder);
    g_ptr_array_sort(months, compare_names);
    return months;
}

gboolean dm_archive_digest(int fd, char hash[DM_ARCHIVE_HASH_SIZE], gint64 *size)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guchar *chunk = g_malloc(CHUNK);
    gssize n;

    *size = 0;
    while ((n = pread(fd, chunk, CHUNK, *size)) > 0) {
        g_checksum_update(sum, chunk, n);
        *size += n;
    }
    if (n < 0)
        return FALSE;
    g_strlcpy(hash, g_checksum_get_string(sum), DM_ARCHIVE_HASH_SIZE);
    return TRUE;
}
