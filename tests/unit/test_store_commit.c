/*
 * Batches that end while another one is being committed share a commit: its syncs, and its failure; but not what one of
 * them does wrong. The first commit is held until all others wait.
 */
#include "common/store_env.h"

#include "tests/unit/support.h"

#include <errno.h>
#include <string.h>

#define SIZE         ((gsize)1024 * 1024)
#define OTHERS       8U
#define ODD          3U /* one of the others */
#define LOOKS_MAX    20000
#define MICROS       500 /* between looks */
#define LONG_KEY_LEN 600 /* LMDB takes 511 */

static struct {
    DmStore *store; /* NULL: commits are let alone */
    gint count;
    int failing; /* the error of all but the first; 0: none */
} commits;

static gboolean all_wait(void)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&commits.store->queue_lock);

    return commits.store->waiting->len == OTHERS;
}

static gboolean is_held(void)
{
    return g_atomic_int_get(&commits.count) > 0;
}

static gboolean wait_until(gboolean (*is)(void))
{
    for (guint looks = 0; looks < LOOKS_MAX; looks++) {
        if (is())
            return TRUE;
        g_usleep(MICROS);
    }
    return FALSE;
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (commits.store == NULL)
        return __real_mdb_txn_commit(txn);
    gboolean first = g_atomic_int_add(&commits.count, 1) == 0;
    int rc = first && !wait_until(all_wait) ? ETIMEDOUT : first ? 0 : commits.failing;
    if (rc == 0)
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

typedef struct {
    GThread *thread;
    const char *read; /* what it reads and changes, or NULL */
    GString *key;
    DmStoreEnd end;
    GError *error;
} Batch;

static gpointer write_batch(gpointer data)
{
    Batch *batch = data;
    DmStoreTxn txn;

    dm_store_begin(&txn, commits.store);
    if (batch->read != NULL) {
        g_autoptr(GString) record = dm_store_get(&txn, g_string_new(batch->read));
        dm_store_put(&txn, g_string_new(batch->read), g_string_new("1"));
    }
    dm_store_put(&txn, g_steal_pointer(&batch->key), g_string_new("1"));
    batch->end = dm_store_end(&txn, &batch->error);
    return NULL;
}

static gboolean is_there(DmStore *store, const char *key)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    g_autoptr(GString) record = dm_store_get(&txn, g_string_new(key));
    assert_int_equal(dm_store_end(&txn, NULL), DM_STORE_DONE);
    return record != NULL;
}

static void start(Batch *batch, const char *read, GString *key)
{
    *batch = (Batch){.read = read, .key = key};
    batch->thread = g_thread_new("batch", write_batch, batch);
}

/* A batch that is held in its commit, and the others, which end meanwhile. They write "0", "1" …; the odd one
 * `odd_key` if that is not NULL. It and the next one read and change `read`. */
static void run(DmStore *store, Batch others[OTHERS], const char *read, const char *odd_key, int failing)
{
    Batch first;

    commits.store = store;
    commits.count = 0;
    commits.failing = failing;
    start(&first, NULL, g_string_new("first"));
    assert_true(wait_until(is_held));
    for (guint i = 0; i < OTHERS; i++) {
        GString *key = g_string_new(NULL);
        g_string_printf(key, "%u", i);
        if (i == ODD && odd_key != NULL)
            g_string_assign(key, odd_key);
        start(&others[i], i == ODD || i == ODD + 1 ? read : NULL, key);
    }
    for (guint i = 0; i < OTHERS; i++)
        g_thread_join(others[i].thread);
    g_thread_join(first.thread);
    commits.store = NULL;
    assert_int_equal(first.end, DM_STORE_DONE);
    assert_true(is_there(store, "first"));
}

static DmStore *open_store(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "store.lmdb", NULL);

    return dm_store_open(path, DM_STORE_OWN, SIZE, NULL);
}

static void assert_written(DmStore *store, guint i, gboolean written)
{
    const char key[] = {(char)('0' + (char)i), '\0'};

    assert_int_equal(is_there(store, key), written);
}

static void test_shared(void **state)
{
    g_autoptr(DmStore) store = open_store(*state);
    Batch others[OTHERS];

    run(store, others, NULL, NULL, 0);
    assert_int_equal(commits.count, 2);
    for (guint i = 0; i < OTHERS; i++) {
        assert_int_equal(others[i].end, DM_STORE_DONE);
        assert_written(store, i, TRUE);
    }
}

/* Nobody is told that something is durable which is not; and the next one works. */
static void test_shared_failure(void **state)
{
    g_autoptr(DmStore) store = open_store(*state);
    Batch others[OTHERS];

    run(store, others, NULL, NULL, EIO);
    assert_int_equal(commits.count, 2);
    for (guint i = 0; i < OTHERS; i++) {
        assert_int_equal(others[i].end, DM_STORE_FAILED);
        assert_int_equal(others[i].error->code, DM_ERROR_TEMPORARY);
        assert_non_null(strstr(others[i].error->message, g_strerror(EIO)));
        g_clear_error(&others[i].error);
        assert_written(store, i, FALSE);
    }
    run(store, others, NULL, NULL, 0);
    assert_int_equal(others[0].end, DM_STORE_DONE);
    assert_written(store, 0, TRUE);
}

/* What one does wrong fails that one, wholly, and no other. */
static void test_one_bad(void **state)
{
    g_autoptr(DmStore) store = open_store(*state);
    g_autofree char *long_key = g_strnfill(LONG_KEY_LEN, 'k');
    Batch others[OTHERS];

    run(store, others, NULL, long_key, 0);
    for (guint i = 0; i < OTHERS; i++) {
        assert_int_equal(others[i].end, i == ODD ? DM_STORE_FAILED : DM_STORE_DONE);
        g_clear_error(&others[i].error);
        assert_written(store, i, i != ODD);
    }
}

/* Two have read what both change: one of them has to begin again, though they are in the same commit. */
static void test_conflict_within(void **state)
{
    static const char key[] = "shared";
    g_autoptr(DmStore) store = open_store(*state);
    Batch others[OTHERS];
    guint conflicts = 0;

    run(store, others, key, NULL, 0);
    assert_int_equal(commits.count, 2);
    for (guint i = 0; i < OTHERS; i++) {
        assert_int_not_equal(others[i].end, DM_STORE_FAILED);
        conflicts += others[i].end == DM_STORE_CONFLICT ? 1 : 0;
        assert_written(store, i, others[i].end == DM_STORE_DONE);
    }
    assert_int_equal(conflicts, 1);
    assert_true(is_there(store, key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shared, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_shared_failure, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_one_bad, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_conflict_within, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
