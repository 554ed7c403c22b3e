/*
 * The lines of an archive's manifests: "key=value key=value ...\n".
 *
 * Values have no blanks, controls, "%" or bytes beyond ASCII: those stand as %XX (RFC 3986 2.1). Lists are separated by
 * commas, and a comma in a value of a list is %2C. A key without a value is left out.
 */
#ifndef DEMAIL_COMMON_ARCHIVE_LINE_H
#define DEMAIL_COMMON_ARCHIVE_LINE_H

#include "common/error.h"

#include <glib.h>
#include <stdio.h>

#define DM_ARCHIVE_MANIFEST  "manifest"
#define DM_ARCHIVE_BEGUN     "begun"
#define DM_ARCHIVE_LOCK      "archive.lock"
#define DM_ARCHIVE_HASH_SIZE 65U                /* a SHA-256 in hex, with NUL */
#define DM_ARCHIVE_LINE_MAX  (16 * 1024 * 1024) /* bytes; 10000 recipients, all escaped, are 10 MiB */

/* What stands for the hash of the line before the first. */
#define DM_ARCHIVE_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* Each adds a blank behind it. */
void dm_archive_line_add(GString *line, const char *key, const char *value);
void dm_archive_line_add_number(GString *line, const char *key, gint64 number);
void dm_archive_line_add_list(GString *line, const char *key, char *const *values);

/* The value of `key`, decoded; NULL if there is none, or if it is not encoded well. g_free(). */
char *dm_archive_line_get(const char *line, const char *key);
char **dm_archive_line_get_list(const char *line, const char *key); /* g_strfreev(); empty without one */
gboolean dm_archive_line_get_number(const char *line, const char *key, gint64 *number);

/* SHA-256 of the line with its end. */
void dm_archive_line_hash(const GString *line, char hash[DM_ARCHIVE_HASH_SIZE]);

typedef enum {
    DM_ARCHIVE_LINE,
    DM_ARCHIVE_LINE_END,   /* no more */
    DM_ARCHIVE_LINE_TORN,  /* the file ends within it, or it is longer than any that is written */
    DM_ARCHIVE_LINE_ERROR, /* errno */
} DmArchiveRead;

/* The next line with its end. */
DmArchiveRead dm_archive_line_read(FILE *file, GString *line);

/* Whether `name` is that of a month's folder, "2026-11". */
gboolean dm_archive_is_month(const char *name);

/* Whether `name` can be that of a file in it that a line names: no path, nothing hidden, not the manifest. */
gboolean dm_archive_is_file_name(const char *name);

/* DM_ERROR_NOINPUT where there is none. */
GDir *dm_archive_open_folder(const char *path, GError **error);

/* The months in `dir`, in order; NULL on error. */
GPtrArray *dm_archive_months(const char *dir, GError **error);

/* SHA-256 and size of all of `fd`. FALSE with errno. */
gboolean dm_archive_digest(int fd, char hash[DM_ARCHIVE_HASH_SIZE], gint64 *size);

#endif
