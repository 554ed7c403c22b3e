#include "tests/unit/journal_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FUNCTIONS_MAX 32

static struct {
    gboolean counting;
    guint left; /* calls until the fault; 0: it was */
    int code;
    const char *fired;
    struct {
        const char *name;
        guint calls;
    } functions[FUNCTIONS_MAX];
} faults;

void jf_arm(guint n, int code)
{
    faults.counting = TRUE;
    faults.left = n;
    faults.code = code;
    faults.fired = NULL;
}

void jf_pause(gboolean paused)
{
    faults.counting = !paused;
}

const char *jf_fired(void)
{
    return faults.fired;
}

guint jf_count(const char *function)
{
    for (gsize i = 0; i < FUNCTIONS_MAX && faults.functions[i].name != NULL; i++) {
        if (strcmp(faults.functions[i].name, function) == 0)
            return faults.functions[i].calls;
    }
    return 0;
}

static void count(const char *function)
{
    gsize i = 0;

    while (i < FUNCTIONS_MAX - 1 && faults.functions[i].name != NULL && strcmp(faults.functions[i].name, function) != 0)
        i++;
    faults.functions[i].name = function;
    faults.functions[i].calls++;
}

/* The code of a call that fails, else 0. */
static int fault(const char *function)
{
    if (!faults.counting)
        return 0;
    count(function);
    if (faults.left == 0 || --faults.left > 0)
        return 0;
    faults.fired = function;
    return faults.code;
}

static gboolean system_fault(const char *function)
{
    int code = faults.code > 0 ? fault(function) : 0;

    if (code != 0)
        errno = code;
    return code != 0;
}

#define WRAP(name, parameters, ...)                                                                                    \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        int code = fault(#name);                                                                                       \
        return code != 0 ? code : __real_##name(__VA_ARGS__);                                                          \
    }

WRAP(mdb_env_create, (MDB_env * *env), env)
WRAP(mdb_env_open, (MDB_env * env, const char *path, unsigned int flags, mdb_mode_t mode), env, path, flags, mode)
WRAP(mdb_env_set_mapsize, (MDB_env * env, size_t size), env, size)
WRAP(mdb_env_set_maxreaders, (MDB_env * env, unsigned int readers), env, readers)
WRAP(mdb_reader_check, (MDB_env * env, int *dead), env, dead)
WRAP(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned int flags, MDB_txn **txn), env, parent, flags, txn)
WRAP(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned int flags, MDB_dbi *dbi), txn, name, flags, dbi)
WRAP(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), txn, dbi, key, data)
WRAP(mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags), txn, dbi, key, data, flags)
WRAP(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), txn, dbi, key, data)
WRAP(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), txn, dbi, cursor)
WRAP(mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op), cursor, key, data, op)

/* A commit that fails has ended the transaction. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int code = fault("mdb_txn_commit");

    if (code == 0)
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* So that what is written is the same in all rounds. */
gint64 __wrap_g_get_real_time(void);
gint64 __wrap_g_get_real_time(void)
{
    return (gint64)900 * G_USEC_PER_SEC;
}

/* From here on nothing waits for the disk: no round outlives the machine. */
int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return system_fault("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~O_SYNC, mode);
}

int flock(int fd, int operation)
{
    return system_fault("flock") ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int ftruncate(int fd, off_t length)
{
    return system_fault("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return system_fault("pwrite") ? -1 : syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    return system_fault("writev") ? -1 : syscall(SYS_writev, fd, parts, n);
}

int fdatasync(int fd)
{
    (void)fd;
    return system_fault("fdatasync") ? -1 : 0;
}

int fsync(int fd)
{
    (void)fd;
    return system_fault("fsync") ? -1 : 0;
}
