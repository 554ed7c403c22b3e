#include "common/archive_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const DmArchiveVerification *order;
    DmArchiveReport *report;
    const char *month;
    gboolean last;     /* month */
    gint64 line;       /* of its manifest */
    gint64 seq;        /* of the line before; -1: there is none */
    GString *text;     /* of the line */
    GHashTable *names; /* of the month's files */
    gboolean had;      /* must_have */
} Reading;

const char *dm_archive_problem_word(DmArchiveProblemKind kind)
{
    switch (kind) {
    case DM_ARCHIVE_MISSING:
        return "missing";
    case DM_ARCHIVE_CHANGED:
        return "changed";
    case DM_ARCHIVE_EXTRA:
        return "extra";
    case DM_ARCHIVE_CHAIN:
        return "chain";
    case DM_ARCHIVE_TORN:
        return "torn";
    case DM_ARCHIVE_MALFORMED:
        break;
    }
    return "malformed";
}

static void G_GNUC_PRINTF(5, 6)
    complain(Reading *reading, DmArchiveProblemKind kind, const char *file, gint64 line, const char *format, ...)
{
    g_autofree char *path = reading->month != NULL ? g_build_filename(reading->month, file, NULL) : g_strdup(file);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *reason = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const DmArchiveProblem problem = {kind, path, line, reason};
    reading->report->problems++;
    reading->order->problem(&problem, reading->order->data);
}

static char *path_of(const Reading *reading, const char *folder, const char *file)
{
    return g_build_filename(reading->order->dir, folder, file, NULL);
}

/* One report for each break: reading goes on from the line as it is. */
static void check_chain(Reading *reading)
{
    g_autofree char *prev = dm_archive_line_get(reading->text->str, "prev");
    gboolean first = reading->seq < 0;
    gint64 seq = 0;

    if (prev == NULL || !dm_archive_line_get_number(reading->text->str, "seq", &seq)) {
        complain(reading, DM_ARCHIVE_MALFORMED, DM_ARCHIVE_MANIFEST, reading->line, "no line of an archive");
        seq = reading->seq + 1;
    } else if (strcmp(prev, reading->report->head) != 0 && first) {
        complain(reading, DM_ARCHIVE_CHAIN, DM_ARCHIVE_MANIFEST, reading->line,
                 "it follows a line with the hash %s, which is not here; where that was the head of the months before, "
                 "give it with --head",
                 prev);
    } else if (strcmp(prev, reading->report->head) != 0) {
        const char *reason = seq > reading->seq + 1 ? "lines before it were removed"
                             : seq <= reading->seq  ? "it stands in another order, or twice"
                                                    : "the line before it was changed";
        complain(reading, DM_ARCHIVE_CHAIN, DM_ARCHIVE_MANIFEST, reading->line,
                 "it does not follow the line before it: %s (seq %" G_GINT64_FORMAT " after %" G_GINT64_FORMAT ")",
                 reason, seq, reading->seq);
    } else if (!first && seq != reading->seq + 1) {
        complain(reading, DM_ARCHIVE_CHAIN, DM_ARCHIVE_MANIFEST, reading->line, "its number is not the next");
    }
    reading->seq = seq;
    dm_archive_line_hash(reading->text, reading->report->head);
    if (reading->order->must_have != NULL && strcmp(reading->order->must_have, reading->report->head) == 0)
        reading->had = TRUE;
}

/* A folder that was handed in may hold anything: no link is followed, and nothing waits for a pipe's other end or reads
 * a device. -1 with errno. */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;

    if (fd < 0 || (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* In its place, or where a crash, or the writer at work, has left it for now. -1 if it is nowhere. */
static int open_file(Reading *reading, const char *name)
{
    const char *const folders[] = {reading->month, DM_ARCHIVE_BEGUN, reading->month};

    /* The writer may move it in between. */
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = path_of(reading, folders[i], name);
        int fd = open_regular(path);
        if (fd >= 0) {
            reading->report->unfinished += i == 1 ? 1 : 0;
            return fd;
        }
    }
    return -1;
}

static void check_bytes(Reading *reading, const char *name)
{
    g_autofree char *expected = dm_archive_line_get(reading->text->str, "sha256");
    char digest[DM_ARCHIVE_HASH_SIZE];
    gint64 size = 0, said = -1;
    int fd = open_file(reading, name);

    if (fd < 0) {
        complain(reading, DM_ARCHIVE_MISSING, name, 0, "line %" G_GINT64_FORMAT " names it: %s", reading->line,
                 g_strerror(errno));
        return;
    }
    if (!dm_archive_digest(fd, digest, &size))
        complain(reading, DM_ARCHIVE_CHANGED, name, 0, "can't be read: %s", g_strerror(errno));
    else if (g_strcmp0(expected, digest) != 0)
        complain(reading, DM_ARCHIVE_CHANGED, name, 0, "its SHA-256 is %s, line %" G_GINT64_FORMAT " says %s", digest,
                 reading->line, expected != NULL ? expected : "nothing");
    else if (!dm_archive_line_get_number(reading->text->str, "size", &said) || said != size)
        complain(reading, DM_ARCHIVE_MALFORMED, DM_ARCHIVE_MANIFEST, reading->line,
                 "it does not have the size of %s, %" G_GINT64_FORMAT, name, size);
    close(fd);
    reading->report->bytes += size;
}

static void check_file(Reading *reading)
{
    g_autofree char *name = dm_archive_line_get(reading->text->str, "file");

    reading->report->messages++;
    if (name == NULL || !dm_archive_is_file_name(name)) {
        complain(reading, DM_ARCHIVE_MALFORMED, DM_ARCHIVE_MANIFEST, reading->line, "it names no file of an archive");
        return;
    }
    check_bytes(reading, name);
    if (g_hash_table_contains(reading->names, name))
        complain(reading, DM_ARCHIVE_CHAIN, DM_ARCHIVE_MANIFEST, reading->line, "another line names %s already", name);
    else
        g_hash_table_add(reading->names, g_steal_pointer(&name));
}

/* What follows the last line's end is read again with the next call. */
static gboolean read_lines(Reading *reading, FILE *file, GError **error)
{
    DmArchiveRead read;

    clearerr(file);
    while ((read = dm_archive_line_read(file, reading->text)) == DM_ARCHIVE_LINE) {
        reading->line++;
        check_chain(reading);
        check_file(reading);
    }
    if (read == DM_ARCHIVE_LINE_END ||
        (read == DM_ARCHIVE_LINE_TORN && fseeko(file, -(off_t)reading->text->len, SEEK_CUR) == 0))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "%s/%s/" DM_ARCHIVE_MANIFEST ": %s", reading->order->dir,
                reading->month, g_strerror(errno));
    return FALSE;
}

/* Names (char *) of files that no line has named so far. Signatures lie beside their manifest. */
static GPtrArray *list_unnamed(const Reading *reading, GError **error)
{
    g_autofree char *path = g_build_filename(reading->order->dir, reading->month, NULL);
    GDir *folder = dm_archive_open_folder(path, error);
    GPtrArray *unnamed = folder != NULL ? g_ptr_array_new_with_free_func(g_free) : NULL;
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        if (strcmp(name, DM_ARCHIVE_MANIFEST) != 0 && !g_str_has_prefix(name, DM_ARCHIVE_MANIFEST ".") &&
            !g_hash_table_contains(reading->names, name))
            g_ptr_array_add(unnamed, g_strdup(name));
    }
    g_clear_pointer(&folder, g_dir_close);
    return unnamed;
}

/* The writer may be at work: it writes the line before the file gets its place, so that the lines are read on after
 * looking at the files. */
static gboolean verify_manifest(Reading *reading, FILE *file, GError **error)
{
    g_autoptr(GPtrArray) unnamed = NULL;

    if (!read_lines(reading, file, error) || (unnamed = list_unnamed(reading, error)) == NULL ||
        !read_lines(reading, file, error))
        return FALSE;
    for (guint i = 0; i < unnamed->len; i++) {
        const char *name = g_ptr_array_index(unnamed, i);
        if (!g_hash_table_contains(reading->names, name))
            complain(reading, DM_ARCHIVE_EXTRA, name, 0, "no line names it");
    }
    /* The writer at work writes to the last month alone. */
    if (reading->text->len > 0 && !(reading->report->in_use && reading->last))
        complain(reading, DM_ARCHIVE_TORN, DM_ARCHIVE_MANIFEST, reading->line + 1,
                 "%" G_GSIZE_FORMAT " bytes of a line without its end; in the last month, demail-poller's next start "
                 "removes them and archives their message anew",
                 reading->text->len);
    return TRUE;
}

static gboolean verify_month(Reading *reading, const char *month, GError **error)
{
    g_autofree char *path = path_of(reading, month, DM_ARCHIVE_MANIFEST);
    int fd = open_regular(path);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    gboolean good = TRUE;

    reading->month = month;
    reading->line = 0;
    g_hash_table_remove_all(reading->names);
    if (file == NULL && fd >= 0)
        close(fd);
    if (file != NULL)
        good = verify_manifest(reading, file, error);
    else
        complain(reading, DM_ARCHIVE_MISSING, DM_ARCHIVE_MANIFEST, 0, "%s", g_strerror(errno));
    if (file != NULL)
        fclose(file);
    if (good)
        reading->order->month(month, reading->line, reading->report->head, reading->order->data);
    reading->month = NULL;
    return good;
}

static void count_begun(const Reading *reading)
{
    g_autofree char *path = g_build_filename(reading->order->dir, DM_ARCHIVE_BEGUN, NULL);
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL)
        reading->report->begun += g_str_has_suffix(name, ".envelope") ? 1 : 0;
    g_clear_pointer(&folder, g_dir_close);
}

/* The lock is the writer's as long as it lives. */
static gboolean is_in_use(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, DM_ARCHIVE_LOCK, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    gboolean in_use = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (fd >= 0)
        close(fd);
    return in_use;
}

static gboolean verify_months(Reading *reading, const GPtrArray *months, GError **error)
{
    for (guint i = 0; i < months->len; i++) {
        reading->last = i + 1 == months->len;
        if (!verify_month(reading, g_ptr_array_index(months, i), error))
            return FALSE;
    }
    if (reading->order->must_have != NULL && !reading->had)
        complain(reading, DM_ARCHIVE_CHAIN, DM_ARCHIVE_MANIFEST, 0,
                 "no line has the hash %s; lines at the end were removed, or lines were changed",
                 reading->order->must_have);
    return TRUE;
}

/* Without it a folder with no month is none, and not one without a fault. */
static gboolean has_writer(const char *dir, GError **error)
{
    g_autofree char *lock = g_build_filename(dir, DM_ARCHIVE_LOCK, NULL);

    if (g_access(lock, F_OK) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT,
                "%s: is no archive; name the archive_dir of a tenant, or a folder with months of it", dir);
    return FALSE;
}

gboolean dm_archive_verify(const DmArchiveVerification *verification, DmArchiveReport *report, GError **error)
{
    g_autoptr(GPtrArray) months = NULL;
    Reading reading = {.order = verification, .report = report, .seq = -1};

    *report = (DmArchiveReport){.in_use = is_in_use(verification->dir)};
    g_strlcpy(report->head, verification->before != NULL ? verification->before : DM_ARCHIVE_NO_HASH,
              sizeof report->head);
    months = dm_archive_months(verification->dir, error);
    if (months == NULL || (months->len == 0 && !has_writer(verification->dir, error)))
        return FALSE;
    reading.text = g_string_new(NULL);
    reading.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean good = verify_months(&reading, months, error);
    if (good)
        count_begun(&reading);
    g_hash_table_unref(reading.names);
    g_string_free(reading.text, TRUE);
    return good;
}
