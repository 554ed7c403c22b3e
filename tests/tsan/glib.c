/*
 * What ThreadSanitizer must know of GLib: an object of builds with DEMAIL_SANITIZE=thread only.
 *
 * GLib's locks are futexes in a library that is not instrumented, so that every hand-over through them would be
 * reported as a race. The functions below stand before GLib's own for the program and its libraries, tell
 * ThreadSanitizer, and call GLib's own. Calls within GLib itself do not come here.
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* GLib's own function of this name. */
#define OWN(name)                                                                                                      \
    ({                                                                                                                 \
        static gpointer found;                                                                                         \
        if (__atomic_load_n(&found, __ATOMIC_RELAXED) == NULL)                                                         \
            __atomic_store_n(&found, dlsym(RTLD_NEXT, #name), __ATOMIC_RELAXED);                                       \
        (__typeof__(&name))__atomic_load_n(&found, __ATOMIC_RELAXED);                                                  \
    })

#define LOCK(name, type, flags)                                                                                        \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        __tsan_mutex_pre_lock(lock, flags);                                                                            \
        OWN(name)(lock);                                                                                               \
        __tsan_mutex_post_lock(lock, flags, 0);                                                                        \
    }

#define TRYLOCK(name, type, flags)                                                                                     \
    gboolean name(type *lock)                                                                                          \
    {                                                                                                                  \
        __tsan_mutex_pre_lock(lock, (flags) | __tsan_mutex_try_lock);                                                  \
        gboolean locked = OWN(name)(lock);                                                                             \
        __tsan_mutex_post_lock(lock, (flags) | __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed),    \
                               0);                                                                                     \
        return locked;                                                                                                 \
    }

#define UNLOCK(name, type, flags)                                                                                      \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        __tsan_mutex_pre_unlock(lock, flags);                                                                          \
        OWN(name)(lock);                                                                                               \
        __tsan_mutex_post_unlock(lock, flags);                                                                         \
    }

#define CLEAR(name, type)                                                                                              \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        __tsan_mutex_destroy(lock, 0);                                                                                 \
        OWN(name)(lock);                                                                                               \
    }

LOCK(g_mutex_lock, GMutex, 0)
TRYLOCK(g_mutex_trylock, GMutex, 0)
UNLOCK(g_mutex_unlock, GMutex, 0)
CLEAR(g_mutex_clear, GMutex)

LOCK(g_rec_mutex_lock, GRecMutex, __tsan_mutex_write_reentrant)
TRYLOCK(g_rec_mutex_trylock, GRecMutex, __tsan_mutex_write_reentrant)
UNLOCK(g_rec_mutex_unlock, GRecMutex, 0)
CLEAR(g_rec_mutex_clear, GRecMutex)

LOCK(g_rw_lock_writer_lock, GRWLock, 0)
TRYLOCK(g_rw_lock_writer_trylock, GRWLock, 0)
UNLOCK(g_rw_lock_writer_unlock, GRWLock, 0)
LOCK(g_rw_lock_reader_lock, GRWLock, __tsan_mutex_read_lock)
TRYLOCK(g_rw_lock_reader_trylock, GRWLock, __tsan_mutex_read_lock)
UNLOCK(g_rw_lock_reader_unlock, GRWLock, __tsan_mutex_read_lock)
CLEAR(g_rw_lock_clear, GRWLock)

/* Waiting gives the mutex up and takes it again, both within GLib. */
void g_cond_wait(GCond *cond, GMutex *mutex)
{
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    OWN(g_cond_wait)(cond, mutex);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    __tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    gboolean signalled = OWN(g_cond_wait_until)(cond, mutex, end_time);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
    return signalled;
}

/* Who drops the last reference sees what the others did before they dropped theirs. */
gboolean(g_atomic_ref_count_dec)(gatomicrefcount *references)
{
    __tsan_release(references);
    gboolean last = OWN(g_atomic_ref_count_dec)(references);
    if (last)
        __tsan_acquire(references);
    return last;
}

/* A job for a pool's thread, which GSocketService starts for every connection. */
typedef struct {
    GFunc run;
    gpointer data;
} Pool;

static void run_job(gpointer job, gpointer data)
{
    const Pool *pool = data;

    __tsan_acquire(job);
    pool->run(job, pool->data);
}

GThreadPool *g_thread_pool_new(GFunc run, gpointer data, gint max_threads, gboolean exclusive, GError **error)
{
    Pool *pool = g_new(Pool, 1); /* a pool does not tell when it ends; there is one for each server */

    *pool = (Pool){run, data};
    return OWN(g_thread_pool_new)(run_job, pool, max_threads, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool *pool, gpointer job, GError **error)
{
    __tsan_release(job);
    return OWN(g_thread_pool_push)(pool, job, error);
}
