#include "common/postmap.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_SIZE_FIRST ((gsize)16 * 1024 * 1024)
#define MAP_SIZE_LAST  ((gsize)64 * 1024 * 1024 * 1024)

typedef struct {
    const char *source;
    void (*entry)(const char *, const char *, guint, gpointer);
    gpointer data;
    GPtrArray *problems;
} Parse;

static void G_GNUC_PRINTF(3, 4) add_problem(const Parse *parse, guint line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(parse->problems, g_strdup_printf("%s, line %u: %s", parse->source, line, what));
}

/* One logical line: key, white space, value. */
static void parse_logical(const Parse *parse, GString *logical, guint line)
{
    if (logical->len == 0)
        return;

    char *key = g_strstrip(logical->str);
    char *value = key + strcspn(key, " \t\r\n");
    if (*value != '\0') {
        *value++ = '\0';
        g_strstrip(value);
    }
    if (key[0] == '"')
        add_problem(parse, line, "a quoted key is not supported; write the address without quotes");
    else if (*value == '\0')
        add_problem(parse, line, "key %s has no value; write \"key value\"", key);
    else if (strlen(key) > DM_POSTMAP_KEY_MAX || (guchar)key[0] < ' ')
        add_problem(parse, line, "the key is longer than %d bytes or begins with a control; correct it",
                    DM_POSTMAP_KEY_MAX);
    else {
        g_autofree char *folded = g_ascii_strdown(key, -1);
        parse->entry(folded, value, line, parse->data);
    }
    g_string_truncate(logical, 0);
}

static void parse_physical(const Parse *parse, GString *logical, const char *text, gsize length, guint line,
                           guint *logical_line)
{
    gboolean continues = text[0] == ' ' || text[0] == '\t';
    gsize blank = strspn(text, " \t\r\n");

    if (memchr(text, '\0', length) != NULL) {
        add_problem(parse, line, "holds a NUL byte; correct the line");
        return;
    }
    if (text[blank] == '\0' || text[blank] == '#')
        return; /* empty lines and comments end nothing: postmap(1) */
    if (continues && logical->len == 0) {
        add_problem(parse, line, "continues a line, but there is none before it; remove the leading white space");
        return;
    }
    if (!continues) {
        parse_logical(parse, logical, *logical_line);
        *logical_line = line;
    }
    if (logical->len + length > DM_POSTMAP_LINE_MAX) {
        add_problem(parse, line, "longer than %d bytes; shorten it", DM_POSTMAP_LINE_MAX);
        g_string_truncate(logical, 0);
        return;
    }
    g_string_append_len(logical, text, (gssize)strcspn(text, "\r\n"));
}

static FILE *open_source(const char *source, GError **error)
{
    FILE *file = fopen(source, "re");

    if (file == NULL)
        g_set_error(error, DM_ERROR, errno == EACCES ? DM_ERROR_NOPERM : DM_ERROR_NOINPUT,
                    "table %s: %s; make the file or correct the path", source, g_strerror(errno));
    return file;
}

static gboolean parse_file(FILE *file, const char *source, void (*entry)(const char *, const char *, guint, gpointer),
                           gpointer data, GPtrArray *problems, GError **error)
{
    const Parse parse = {source, entry, data, problems};
    g_autoptr(GString) logical = g_string_new(NULL);
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    guint line = 0;
    guint logical_line = 0;
    while ((length = getline(&text, &size, file)) >= 0)
        parse_physical(&parse, logical, text, (gsize)length, ++line, &logical_line);
    int reason = ferror(file) ? errno : 0;
    free(text);
    if (reason != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "table %s: %s", source, g_strerror(reason));
        return FALSE;
    }
    parse_logical(&parse, logical, logical_line);
    return TRUE;
}

gboolean dm_postmap_parse(const char *source, void (*entry)(const char *, const char *, guint, gpointer), gpointer data,
                          GPtrArray *problems, GError **error)
{
    FILE *file = open_source(source, error);
    gboolean good = file != NULL && parse_file(file, source, entry, data, problems, error);

    if (file != NULL)
        fclose(file);
    return good;
}

typedef struct {
    char *key;
    char *value;
    guint line;
} Entry;

typedef struct {
    GArray *entries; /* of Entry */
    gboolean two_way;
} Compilation;

static void clear_entry(gpointer data)
{
    Entry *entry = data;

    g_free(entry->key);
    g_free(entry->value);
}

static void collect(const char *key, const char *value, guint line, gpointer data)
{
    Compilation *compilation = data;
    Entry forward = {g_strdup(key), g_strdup(value), line};

    g_array_append_val(compilation->entries, forward);
    if (compilation->two_way) {
        g_autofree char *folded = g_ascii_strdown(value, -1);
        Entry back = {g_strdup_printf("%c%s", DM_POSTMAP_BACK, folded), g_strdup(key), line};
        g_array_append_val(compilation->entries, back);
    }
}

static gint by_key(gconstpointer a, gconstpointer b)
{
    const Entry *left = a;
    const Entry *right = b;
    int order = strcmp(left->key, right->key);

    if (order != 0)
        return order;
    return left->line < right->line ? -1 : left->line > right->line;
}

/* The entries are sorted: equal keys stand side by side. */
static void find_duplicates(const Compilation *compilation, const char *source, GPtrArray *problems)
{
    for (guint i = 1; i < compilation->entries->len; i++) {
        const Entry *first = &g_array_index(compilation->entries, Entry, i - 1);
        const Entry *again = &g_array_index(compilation->entries, Entry, i);
        if (strcmp(first->key, again->key) != 0)
            continue;
        const char *what = again->key[0] == DM_POSTMAP_BACK ? "value" : "key";
        const char *why = again->key[0] == DM_POSTMAP_BACK ? ", the way back is ambiguous" : "";
        const char *name = again->key[0] == DM_POSTMAP_BACK ? again->key + 1 : again->key;
        g_ptr_array_add(problems, g_strdup_printf("%s, line %u: %s %s stands in line %u already%s; remove one of them",
                                                  source, again->line, what, name, first->line, why));
    }
}

static int write_entries(MDB_txn *txn, const Compilation *compilation)
{
    MDB_dbi dbi;
    int rc = mdb_dbi_open(txn, NULL, 0, &dbi);

    for (guint i = 0; rc == 0 && i < compilation->entries->len; i++) {
        const Entry *entry = &g_array_index(compilation->entries, Entry, i);
        MDB_val k = {strlen(entry->key), entry->key};
        MDB_val v = {strlen(entry->value), entry->value};
        rc = mdb_put(txn, dbi, &k, &v, MDB_APPEND);
    }
    return rc;
}

/* Fills the empty file; 0 or an LMDB error. */
static int write_file(int fd, const Compilation *compilation, gsize map_size)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;

    int rc = mdb_env_create(&env);
    if (rc != 0)
        return rc;
    rc = mdb_env_set_mapsize(env, map_size);
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0) {
        rc = write_entries(txn, compilation);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    if (rc == 0)
        rc = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return rc;
}

static int write_growing(int fd, const Compilation *compilation)
{
    int rc = MDB_MAP_FULL;

    for (gsize size = MAP_SIZE_FIRST; rc == MDB_MAP_FULL && size <= MAP_SIZE_LAST; size *= 4)
        rc = ftruncate(fd, 0) == 0 ? write_file(fd, compilation, size) : errno;
    return rc;
}

static gboolean sync_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FALSE;
    gboolean synced = fsync(fd) == 0;
    close(fd);
    return synced;
}

/* The complete file under the name `temporary`, with the source's owner, group and mode; 0 or an LMDB error. */
static int make_file(const char *temporary, const Compilation *compilation, const struct stat *source)
{
    unlink(temporary);
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int rc = write_growing(fd, compilation);
    if (rc == 0 && (fchown(fd, (uid_t)-1, source->st_gid) != 0 || fchmod(fd, source->st_mode & 0644) != 0))
        rc = errno;
    close(fd);
    return rc;
}

/* Makes `path` in one step. The folder may be another's than root's, who runs this: what is in its place is never
 * followed, and only the file made here gets an owner. */
static gboolean replace_file(const char *path, const Compilation *compilation, const struct stat *source,
                             GError **error)
{
    g_autofree char *temporary = g_strdup_printf("%s.new.%d", path, (int)getpid());

    int rc = make_file(temporary, compilation, source);
    if (rc == 0 && (rename(temporary, path) != 0 || !sync_folder(path)))
        rc = errno;
    if (rc == 0)
        return TRUE;
    unlink(temporary);
    g_set_error(error, DM_ERROR, rc == EACCES || rc == EPERM ? DM_ERROR_NOPERM : DM_ERROR_OS,
                "table %s: can't be written: %s; check the folder's mode and space", path, mdb_strerror(rc));
    return FALSE;
}

/* With the owner and mode of the very file that was read. */
static gboolean read_source(const char *source, Compilation *compilation, struct stat *st, GPtrArray *problems,
                            GError **error)
{
    FILE *file = open_source(source, error);
    gboolean good = file != NULL && parse_file(file, source, collect, compilation, problems, error);

    if (good && fstat(fileno(file), st) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "table %s: %s", source, g_strerror(errno));
        good = FALSE;
    }
    if (file != NULL)
        fclose(file);
    return good;
}

gboolean dm_postmap_compile(const char *source, gboolean two_way, guint64 *entries, GPtrArray *problems, GError **error)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Entry));
    Compilation compilation = {list, two_way};
    g_autofree char *path = g_strconcat(source, DM_POSTMAP_SUFFIX, NULL);
    struct stat st;

    g_array_set_clear_func(list, clear_entry);
    if (!read_source(source, &compilation, &st, problems, error))
        return FALSE;
    guint64 count = two_way ? list->len / 2 : list->len;
    Entry format = {g_strdup(DM_POSTMAP_FORMAT), g_strdup(two_way ? DM_POSTMAP_TWO_WAY : DM_POSTMAP_VERSION), 0};
    g_array_append_val(list, format);
    g_array_sort(list, by_key);
    find_duplicates(&compilation, source, problems);
    if (problems->len > 0)
        return TRUE;
    if (!replace_file(path, &compilation, &st, error))
        return FALSE;
    if (entries != NULL)
        *entries = count;
    return TRUE;
}
