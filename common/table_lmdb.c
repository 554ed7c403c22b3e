#include "common/log.h"
#include "common/postmap.h"
#include "common/table_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

typedef struct {
    MDB_env *env;
    MDB_dbi dbi;
    gboolean two_way;
} Env;

typedef struct {
    const Env *env;
    MDB_txn *txn;
} Cursor;

static char *lmdb_file(const char *name)
{
    return g_strconcat(name, DM_POSTMAP_SUFFIX, NULL);
}

static void lmdb_close(gpointer snapshot)
{
    Env *env = snapshot;

    mdb_env_close(env->env);
    g_free(env);
}

static void set_open_error(GError **error, int rc, const char *name, const char *file)
{
    if (rc == ENOENT)
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "table %s: the file is missing; run: demailctl postmap %s", file,
                    name);
    else if (rc == EACCES || rc == EPERM)
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "table %s: no permission to read it; give the file to the program's group with mode 0640", file);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "table %s: %s; run: demailctl postmap %s", file, mdb_strerror(rc),
                    name);
}

/* LMDB trusts its file: one that was cut short would end the process with SIGBUS. */
static gboolean is_complete(MDB_env *env, const struct stat *st)
{
    MDB_envinfo info;
    MDB_stat stat;

    if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat) != 0)
        return FALSE;
    return (guint64)st->st_size >= ((guint64)info.me_last_pgno + 1) * stat.ms_psize;
}

static char *copy_text(const MDB_val *value)
{
    char *text = g_malloc(value->mv_size + 1);

    memcpy(text, value->mv_data, value->mv_size);
    text[value->mv_size] = '\0';
    return text;
}

static int begin(MDB_env *env, MDB_txn **txn)
{
    return mdb_txn_begin(env, NULL, MDB_RDONLY, txn);
}

static int get_in_txn(MDB_txn *txn, MDB_dbi dbi, const char *key, gsize key_length, char **value)
{
    MDB_val k = {key_length, (void *)key};
    MDB_val v;

    *value = NULL;
    if (key_length == 0 || key_length > DM_POSTMAP_KEY_MAX + 1)
        return 0;
    int rc = mdb_get(txn, dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc == 0)
        *value = copy_text(&v);
    return rc;
}

/* Reads the format entry. 0, an LMDB error, or MDB_VERSION_MISMATCH for a file that is not of our making. */
static int read_format(Env *env)
{
    g_autofree char *format = NULL;
    MDB_txn *txn = NULL;

    int rc = begin(env->env, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &env->dbi);
    if (rc == 0)
        rc = get_in_txn(txn, env->dbi, DM_POSTMAP_FORMAT, strlen(DM_POSTMAP_FORMAT), &format);
    mdb_txn_abort(txn);
    if (rc != 0)
        return rc;
    env->two_way = g_strcmp0(format, DM_POSTMAP_TWO_WAY) == 0;
    return env->two_way || g_strcmp0(format, DM_POSTMAP_VERSION) == 0 ? 0 : MDB_VERSION_MISMATCH;
}

static int copy_bytes(int from, int to, off_t size)
{
    while (size > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)size);
        if (n < 0)
            return errno;
        if (n == 0)
            return MDB_CORRUPTED;
        size -= n;
    }
    return 0;
}

/* Opens a copy in memory: what is kept although its file may be cut short in place must not be a mapping of that file.
 */
static int open_copy(MDB_env *env, const char *file, struct stat *st)
{
    int source = open(file, O_RDONLY | O_CLOEXEC);
    if (source < 0)
        return errno;

    int copy = memfd_create("table", MFD_CLOEXEC);
    int rc = copy < 0 || fstat(source, st) != 0 ? errno : copy_bytes(source, copy, st->st_size);
    if (rc == 0) {
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", copy);
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
    }
    if (copy >= 0)
        close(copy);
    close(source);
    return rc;
}

static int open_file(MDB_env *env, const char *file, struct stat *st)
{
    mdb_filehandle_t fd = -1;

    int rc = mdb_env_open(env, file, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
    if (rc == 0)
        rc = mdb_env_get_fd(env, &fd);
    return rc == 0 && fstat(fd, st) != 0 ? errno : rc;
}

static void warn_if_stale(const char *name, const char *file, const struct stat *st)
{
    struct stat source;

    if (stat(name, &source) == 0 && source.st_mtim.tv_sec > st->st_mtim.tv_sec)
        dm_log(DM_LOG_WARNING, "table-stale", DM_S("file", file), DM_S("source", name),
               DM_S("remedy", "run demailctl postmap"));
}

static gpointer lmdb_open(const char *name, const char *file, DmTableFlags flags, struct stat *st, GError **error)
{
    Env *env = g_new0(Env, 1);

    int rc = mdb_env_create(&env->env);
    if (rc != 0) {
        g_free(env);
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "table %s: %s", file, mdb_strerror(rc));
        return NULL;
    }
    rc = (flags & DM_TABLE_KEEP_LAST) != 0 ? open_copy(env->env, file, st) : open_file(env->env, file, st);
    if (rc == 0 && !is_complete(env->env, st))
        rc = MDB_CORRUPTED;
    if (rc == 0)
        rc = read_format(env);
    if (rc != 0) {
        set_open_error(error, rc, name, file);
        lmdb_close(env);
        return NULL;
    }
    if ((flags & DM_TABLE_TWO_WAY) != 0 && !env->two_way) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "table %s: compiled without the way back; run: demailctl postmap --two-way %s", file, name);
        lmdb_close(env);
        return NULL;
    }
    warn_if_stale(name, file, st);
    return env;
}

static gpointer lmdb_cursor_new(gpointer snapshot, GError **error)
{
    Cursor *cursor = g_new0(Cursor, 1);

    cursor->env = snapshot;
    int rc = begin(cursor->env->env, &cursor->txn);
    if (rc == 0)
        return cursor;
    g_free(cursor);
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "table: %s", mdb_strerror(rc));
    return NULL;
}

static void lmdb_cursor_free(gpointer data)
{
    Cursor *cursor = data;

    mdb_txn_abort(cursor->txn);
    g_free(cursor);
}

static gboolean checked(int rc, GError **error)
{
    if (rc == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "table: %s", mdb_strerror(rc));
    return FALSE;
}

static gboolean lmdb_get(gpointer data, const char *key, char **value, GError **error)
{
    const Cursor *cursor = data;

    *value = NULL;
    if (key[0] == DM_POSTMAP_BACK || key[0] == DM_POSTMAP_FORMAT[0])
        return TRUE;
    return checked(get_in_txn(cursor->txn, cursor->env->dbi, key, strlen(key), value), error);
}

static gboolean lmdb_get_back(gpointer data, const char *value, char **key, GError **error)
{
    const Cursor *cursor = data;
    g_autofree char *back = g_strdup_printf("%c%s", DM_POSTMAP_BACK, value);

    return checked(get_in_txn(cursor->txn, cursor->env->dbi, back, strlen(back), key), error);
}

static gboolean lmdb_each(gpointer data, gboolean (*each)(const char *, const char *, gpointer), gpointer each_data,
                          GError **error)
{
    const Cursor *cursor = data;
    MDB_cursor *position = NULL;
    MDB_val k;
    MDB_val v;

    int rc = mdb_cursor_open(cursor->txn, cursor->env->dbi, &position);
    if (rc != 0)
        return checked(rc, error);
    while ((rc = mdb_cursor_get(position, &k, &v, MDB_NEXT)) == 0) {
        g_autofree char *key = copy_text(&k);
        g_autofree char *value = copy_text(&v);
        if (key[0] != DM_POSTMAP_BACK && key[0] != DM_POSTMAP_FORMAT[0] && !each(key, value, each_data))
            break;
    }
    mdb_cursor_close(position);
    return checked(rc == MDB_NOTFOUND ? 0 : rc, error);
}

const DmTableBackend dm_table_lmdb = {
    .prefix = "lmdb",
    .file = lmdb_file,
    .open = lmdb_open,
    .close = lmdb_close,
    .cursor_new = lmdb_cursor_new,
    .cursor_free = lmdb_cursor_free,
    .get = lmdb_get,
    .get_back = lmdb_get_back,
    .each = lmdb_each,
};
