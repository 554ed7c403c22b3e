#include "common/store_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS_MAX    16384 /* more than LMTP connections and tenants together */
#define FILE_MODE      0600
#define LOCK_FILE_SIZE ((READERS_MAX + 64) * 64) /* a place takes 64 bytes; some for what stands before them */

void dm_store_set_error(const DmStore *store, int rc, const char *what, GError **error)
{
    const char *advice = rc == ENOSPC || rc == EDQUOT || rc == EFBIG ? "; make room for it" : "";

    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "%s: %s: %s%s", store->path, what, mdb_strerror(rc), advice);
}

static char *lock_path(const DmStore *store)
{
    return g_strconcat(store->path, "-lock", NULL);
}

/* A reader must not make LMDB's lock file: the writer's user could not open it. Without one nobody writes. */
static unsigned int open_flags(const DmStore *store)
{
    g_autofree char *lock = lock_path(store);
    unsigned int flags = MDB_NOSUBDIR | MDB_NOTLS;

    if (store->mode != DM_STORE_READ)
        return flags;
    return flags | MDB_RDONLY | (access(lock, F_OK) == 0 ? 0U : MDB_NOLOCK);
}

static int open_dbi_once(DmStore *store)
{
    MDB_txn *txn = NULL;

    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &store->dbi);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* Another process may make the file larger meanwhile. */
static int open_dbi(DmStore *store)
{
    int rc = open_dbi_once(store);

    for (guint i = 0; rc == MDB_MAP_RESIZED && i < DM_STORE_TRIES; i++) {
        rc = mdb_env_set_mapsize(store->env, 0);
        if (rc != 0)
            return rc;
        rc = open_dbi_once(store);
    }
    return rc;
}

/* Places of readers are written through a map; on a full disk that would be a deadly signal where the file has holes.
 * Only while the environment is closed here: closing the file ends this process's locks on it. */
static int reserve_lock_file(const DmStore *store)
{
    g_autofree char *path = lock_path(store);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

    if (fd < 0)
        return errno;
    int rc = fchmod(fd, FILE_MODE) == 0 ? posix_fallocate(fd, 0, LOCK_FILE_SIZE) : errno;
    close(fd);
    return rc;
}

static void close_env(DmStore *store)
{
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

/* One that an older version made may be open to its group. */
static int protect_file(const DmStore *store)
{
    int fd = -1;
    int rc = mdb_env_get_fd(store->env, &fd);

    if (rc != 0)
        return rc;
    return fchmod(fd, FILE_MODE) == 0 ? 0 : errno;
}

/* LMDB syncs its file, but not the name under which it is found. */
static int sync_folder(const DmStore *store)
{
    g_autofree char *folder = g_path_get_dirname(store->path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    int rc = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

static int open_env(DmStore *store)
{
    int dead = 0;

    int rc = mdb_env_create(&store->env);
    if (rc != 0) {
        store->env = NULL;
        return rc;
    }
    rc = store->mode == DM_STORE_OWN ? reserve_lock_file(store) : 0;
    if (rc == 0)
        rc = mdb_env_set_mapsize(store->env, store->size);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(store->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(store->env, store->path, open_flags(store), FILE_MODE);
    if (rc == 0 && store->mode == DM_STORE_OWN)
        rc = protect_file(store);
    if (rc == 0 && store->mode == DM_STORE_OWN)
        rc = sync_folder(store);
    if (rc == 0 && store->mode == DM_STORE_OWN)
        rc = mdb_reader_check(store->env, &dead);
    if (rc == 0)
        rc = open_dbi(store);
    if (rc != 0)
        close_env(store);
    return rc;
}

static DmError code_of_open(int rc)
{
    switch (rc) {
    case ENOENT:
    case ENOTDIR:
        return DM_ERROR_NOINPUT;
    case EACCES:
    case EPERM:
    case EROFS:
        return DM_ERROR_NOPERM;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_INCOMPATIBLE:
        return DM_ERROR_CONFIG;
    default:
        return DM_ERROR_TEMPORARY;
    }
}

static void set_open_error(const DmStore *store, int rc, GError **error)
{
    g_set_error(error, DM_ERROR, code_of_open(rc), "%s: can't be opened: %s; check the folder, its owner and its room",
                store->path, mdb_strerror(rc));
}

/* As LMDB would make it, but with the owner of the store, whose program could not open it otherwise. */
static gboolean make_lock_file(const DmStore *store, const struct stat *owner, GError **error)
{
    g_autofree char *path = lock_path(store);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

    if (fd < 0 && errno == EEXIST)
        return TRUE;
    if (fd < 0) {
        set_open_error(store, errno, error);
        return FALSE;
    }
    gboolean good = owner->st_uid == geteuid() || fchown(fd, owner->st_uid, owner->st_gid) == 0;
    if (!good) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "%s: belongs to the user %u; run the program as that user or root", store->path,
                    (guint)owner->st_uid);
        unlink(path);
    }
    close(fd);
    return good;
}

static gboolean prepare_amending(const DmStore *store, GError **error)
{
    struct stat status;

    if (stat(store->path, &status) == 0)
        return make_lock_file(store, &status, error);
    set_open_error(store, errno, error);
    return FALSE;
}

DmStore *dm_store_open(const char *path, DmStoreMode mode, gsize size, GError **error)
{
    g_autoptr(DmStore) store = g_new0(DmStore, 1);

    store->path = g_strdup(path);
    store->mode = mode;
    store->size = size;
    g_rw_lock_init(&store->lock);
    g_mutex_init(&store->queue_lock);
    store->waiting = g_ptr_array_new();
    if (mode == DM_STORE_AMEND && !prepare_amending(store, error))
        return NULL;
    int rc = open_env(store);
    if (rc == 0)
        return g_steal_pointer(&store);
    set_open_error(store, rc, error);
    return NULL;
}

void dm_store_close(DmStore *store)
{
    if (store == NULL)
        return;
    close_env(store);
    g_rw_lock_clear(&store->lock);
    g_mutex_clear(&store->queue_lock);
    g_ptr_array_unref(store->waiting);
    g_free(store->path);
    g_free(store);
}

int dm_store_enter(DmStore *store, unsigned int flags, MDB_txn **txn, guint *generation)
{
    g_rw_lock_reader_lock(&store->lock);
    *generation = store->generation;
    int rc = store->env != NULL ? mdb_txn_begin(store->env, NULL, flags, txn) : MDB_PANIC;
    if (rc != 0)
        g_rw_lock_reader_unlock(&store->lock);
    return rc;
}

void dm_store_leave(DmStore *store)
{
    g_rw_lock_reader_unlock(&store->lock);
}

/* 0: to what another process made it. A map that could not be changed is none. */
static int resize(DmStore *store, gsize size)
{
    int rc = mdb_env_set_mapsize(store->env, size);

    if (rc != 0)
        close_env(store);
    return rc;
}

static int grow(DmStore *store)
{
    MDB_envinfo info;

    int rc = mdb_env_info(store->env, &info);
    if (rc != 0)
        return rc;
    return info.me_mapsize > G_MAXSIZE / 2 ? MDB_MAP_FULL : resize(store, info.me_mapsize * 2);
}

static int reopen(DmStore *store)
{
    close_env(store);
    return open_env(store);
}

static int free_readers(DmStore *store)
{
    int dead = 0;
    int rc = mdb_reader_check(store->env, &dead);

    return rc == 0 && dead == 0 ? MDB_READERS_FULL : rc;
}

static int recover(DmStore *store, int rc)
{
    if (rc == MDB_PANIC || store->env == NULL)
        return reopen(store);
    if (rc == MDB_MAP_FULL)
        return grow(store);
    return rc == MDB_MAP_RESIZED ? resize(store, 0) : free_readers(store);
}

int dm_store_recover(DmStore *store, int rc, guint generation)
{
    if (rc != MDB_PANIC && rc != MDB_MAP_FULL && rc != MDB_MAP_RESIZED && rc != MDB_READERS_FULL)
        return rc;
    g_rw_lock_writer_lock(&store->lock);
    /* Else another thread has done it. */
    if (generation == store->generation) {
        rc = recover(store, rc);
        if (rc == 0)
            store->generation++;
    } else {
        rc = 0;
    }
    g_rw_lock_writer_unlock(&store->lock);
    return rc;
}

gboolean dm_store_check_readers(DmStore *store, GError **error)
{
    int dead = 0;

    g_rw_lock_reader_lock(&store->lock);
    int rc = store->env != NULL ? mdb_reader_check(store->env, &dead) : 0;
    g_rw_lock_reader_unlock(&store->lock);
    if (rc == 0)
        return TRUE;
    dm_store_set_error(store, rc, "can't be checked for readers that died", error);
    return FALSE;
}
