/*
 * Batches are all or nothing; the map grows, also under other processes; readers that died and files that are missing.
 */
#include "common/store.h"

#include "tests/unit/support.h"

#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TINY ((gsize)64 * 1024)

static DmStore *open_store(const char *folder, DmStoreMode mode)
{
    g_autofree char *path = g_build_filename(folder, "store.lmdb", NULL);

    return dm_store_open(path, mode, TINY, NULL);
}

static GString *text(const char *word)
{
    return g_string_new(word);
}

static DmStoreEnd put(DmStore *store, const char *key, const char *record)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    dm_store_put(&txn, text(key), text(record));
    return dm_store_end(&txn, NULL);
}

static void assert_record(DmStore *store, const char *key, const char *expected)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    g_autoptr(GString) record = dm_store_get(&txn, text(key));
    assert_int_equal(dm_store_end(&txn, NULL), DM_STORE_DONE);
    if (expected == NULL)
        assert_null(record);
    else
        assert_string_equal(record->str, expected);
}

static void test_batch(void **state)
{
    g_autoptr(DmStore) store = open_store(*state, DM_STORE_OWN);
    g_autoptr(GString) prefix = text("a");
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    dm_store_put(&txn, text("a1"), text("x"));
    dm_store_put(&txn, text("a2"), text("y"));
    dm_store_put(&txn, text("a3"), text("z"));
    dm_store_put(&txn, text("b"), text("w"));
    dm_store_delete(&txn, text("a2"));
    dm_store_delete(&txn, text("nothing"));
    assert_int_equal(dm_store_end(&txn, NULL), DM_STORE_DONE);

    dm_store_begin(&txn, store);
    g_autoptr(GArray) all = dm_store_scan(&txn, prefix, NULL, 10);
    g_autoptr(GArray) one = dm_store_scan(&txn, prefix, NULL, 1);
    g_autoptr(GArray) rest = dm_store_scan(&txn, prefix, g_array_index(one, DmStorePair, 0).key, 10);
    assert_int_equal(dm_store_end(&txn, NULL), DM_STORE_DONE);
    assert_int_equal(all->len, 2);
    assert_int_equal(one->len, 1);
    assert_int_equal(rest->len, 1);
    assert_string_equal(g_array_index(rest, DmStorePair, 0).record->str, "z");
}

static void test_error_sticks(void **state)
{
    g_autoptr(DmStore) store = open_store(*state, DM_STORE_OWN);
    g_autofree char *long_key = g_strnfill(600, 'k');
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) own = NULL;
    DmStoreTxn txn;

    assert_int_equal(put(store, "a", "1"), DM_STORE_DONE);
    dm_store_begin(&txn, store);
    dm_store_put(&txn, text("a"), text("2"));
    dm_store_put(&txn, text(long_key), text("x"));
    assert_int_equal(dm_store_end(&txn, &error), DM_STORE_FAILED);
    assert_int_equal(error->code, DM_ERROR_TEMPORARY);
    assert_non_null(strstr(error->message, "store.lmdb: can't be written: "));
    assert_record(store, "a", "1");

    dm_store_begin(&txn, store);
    dm_store_put(&txn, text("a"), text("3"));
    g_set_error(&txn.error, DM_ERROR, DM_ERROR_TEMPORARY, "bad");
    assert_null(dm_store_get(&txn, text("a")));
    assert_int_equal(dm_store_end(&txn, &own), DM_STORE_FAILED);
    assert_string_equal(own->message, "bad");
    assert_record(store, "a", "1");
}

typedef struct {
    DmStore *store;
    const char *key;
} Other;

static gpointer put_other(gpointer data)
{
    const Other *other = data;

    return GINT_TO_POINTER(put(other->store, other->key, "2") == DM_STORE_DONE);
}

/* As another thread. */
static void put_elsewhere(DmStore *store, const char *key)
{
    Other other = {store, key};

    assert_true(GPOINTER_TO_INT(g_thread_join(g_thread_new("other", put_other, &other))));
}

/* What a batch has read, changed by another before it ends. */
static void test_conflict(void **state)
{
    static const struct {
        const char *key; /* NULL: reads all that begins with "a" */
        const char *changed;
        DmStoreEnd end;
    } cases[] = {{"a1", "a1", DM_STORE_CONFLICT}, {"a1", "a2", DM_STORE_DONE},     {"a9", "a9", DM_STORE_CONFLICT},
                 {NULL, "a1", DM_STORE_CONFLICT}, {NULL, "a9", DM_STORE_CONFLICT}, {NULL, "b", DM_STORE_DONE}};
    g_autoptr(GString) prefix = text("a");

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = ts_make_folder();
        DmStore *store = open_store(folder, DM_STORE_OWN);
        DmStoreTxn txn;

        assert_int_equal(put(store, "a1", "1"), DM_STORE_DONE);
        dm_store_begin(&txn, store);
        if (cases[i].key != NULL) {
            g_autoptr(GString) record = dm_store_get(&txn, text(cases[i].key));
        } else {
            g_autoptr(GArray) pairs = dm_store_scan(&txn, prefix, NULL, 10);
        }
        dm_store_put(&txn, text("mine"), text("1"));
        put_elsewhere(store, cases[i].changed);
        assert_int_equal(dm_store_end(&txn, NULL), cases[i].end);
        assert_record(store, "mine", cases[i].end == DM_STORE_DONE ? "1" : NULL);
        dm_store_close(store);
        ts_remove_folder(folder);
    }
    (void)state;
}

static DmStoreEnd put_many(DmStore *store, char first, guint n)
{
    g_autofree char *record = g_strnfill(1000, 'x');
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    for (guint i = 0; i < n; i++) {
        g_autofree char *key = g_strdup_printf("%c%06u", first, i);
        dm_store_put(&txn, text(key), text(record));
    }
    return dm_store_end(&txn, NULL);
}

static guint count(DmStore *store, const char *first)
{
    g_autoptr(GString) prefix = text(first);
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    g_autoptr(GArray) pairs = dm_store_scan(&txn, prefix, NULL, 1000000);
    assert_int_equal(dm_store_end(&txn, NULL), DM_STORE_DONE);
    return pairs->len;
}

/* One batch that is a hundred times as large as the map. */
static void test_growth(void **state)
{
    g_autoptr(DmStore) store = open_store(*state, DM_STORE_OWN);

    assert_int_equal(put_many(store, 'a', 6000), DM_STORE_DONE);
    assert_int_equal(count(store, "a"), 6000);
}

static void wait_for(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The other process makes the file larger than what this one has mapped, and the other way round, again and again. */
static void test_two_processes(void **state)
{
    const char *folder = *state;

    dm_store_close(open_store(folder, DM_STORE_OWN));
    pid_t child = fork();
    if (child == 0) {
        DmStore *store = open_store(folder, DM_STORE_AMEND);
        gboolean good = store != NULL;
        for (guint n = 1; good && n <= 40; n++)
            good = put_many(store, 'b', n * 50) == DM_STORE_DONE;
        dm_store_close(store);
        _exit(good ? 0 : 1);
    }
    g_autoptr(DmStore) store = open_store(folder, DM_STORE_OWN);
    for (guint n = 1; n <= 40; n++)
        assert_int_equal(put_many(store, 'a', n * 50), DM_STORE_DONE);
    wait_for(child);
    assert_int_equal(count(store, "a"), 2000);
    assert_int_equal(count(store, "b"), 2000);
    assert_int_equal(put_many(store, 'c', 3000), DM_STORE_DONE);
}

static gpointer add_numbers(gpointer data)
{
    DmStore *store = data;

    for (guint i = 0; i < 100; i++) {
        DmStoreEnd end;
        DmStoreTxn txn;
        do {
            dm_store_begin(&txn, store);
            g_autoptr(GString) record = dm_store_get(&txn, text("n"));
            GString *next = g_string_new(NULL);
            g_string_printf(next, "%u", record != NULL ? (guint)g_ascii_strtoull(record->str, NULL, 10) + 1 : 1);
            dm_store_put(&txn, text("n"), next);
            g_thread_yield(); /* so that another one comes between */
            end = dm_store_end(&txn, NULL);
        } while (end == DM_STORE_CONFLICT);
        if (end != DM_STORE_DONE)
            return NULL;
    }
    return store;
}

/* No increment is lost, although the map grows meanwhile. */
static void test_threads(void **state)
{
    g_autoptr(DmStore) store = open_store(*state, DM_STORE_OWN);
    GThread *threads[4];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("add", add_numbers, store);
    for (guint n = 1; n <= 20; n++)
        assert_int_equal(put_many(store, 'a', n * 50), DM_STORE_DONE);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_non_null(g_thread_join(threads[i]));
    assert_record(store, "n", "400");
}

/* The readers' places that LMDB lists, this process's own not among them. */
static int count_reader(const char *line, void *data)
{
    if (strstr(line, "txnid") == NULL && strstr(line, "no active") == NULL)
        (*(guint *)data)++;
    return 0;
}

static guint reader_places(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "store.lmdb", NULL);
    MDB_env *env = NULL;
    guint places = 0;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY, 0640), 0);
    assert_true(mdb_reader_list(env, count_reader, &places) >= 0);
    mdb_env_close(env);
    return places;
}

/* In a child: has read, and waits to be killed. */
static void read_and_wait(const char *folder, int ready)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, open_store(folder, DM_STORE_READ));
    GString *record = dm_store_get(&txn, text("a"));
    (void)!write(ready, record->str, 1);
    pause();
    _exit(1);
}

static pid_t start_reader(const char *folder)
{
    int ready[2];
    char byte = 0;

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0)
        read_and_wait(folder, ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end_reader(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A process that is killed while it reads leaves its place to others. The second reader keeps the lock file in use. */
static void test_dead_reader(void **state)
{
    const char *folder = *state;
    DmStore *store = open_store(folder, DM_STORE_OWN);

    assert_int_equal(put(store, "a", "1"), DM_STORE_DONE);
    dm_store_close(store);
    pid_t first = start_reader(folder);
    pid_t second = start_reader(folder);
    assert_int_equal(reader_places(folder), 2);
    end_reader(first);
    assert_int_equal(reader_places(folder), 2);
    store = open_store(folder, DM_STORE_OWN);
    assert_true(dm_store_check_readers(store, NULL));
    dm_store_close(store);
    assert_int_equal(reader_places(folder), 1);
    end_reader(second);
}

static void test_modes(void **state)
{
    g_autofree char *path = g_build_filename(*state, "store.lmdb", NULL);
    g_autofree char *lock = g_strconcat(path, "-lock", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) writing = NULL;
    struct stat status;
    DmStoreTxn txn;

    assert_null(dm_store_open(path, DM_STORE_AMEND, TINY, &error));
    assert_int_equal(error->code, DM_ERROR_NOINPUT);
    assert_int_not_equal(access(path, F_OK), 0);
    DmStore *store = open_store(*state, DM_STORE_OWN);
    assert_int_equal(put(store, "a", "1"), DM_STORE_DONE);
    dm_store_close(store);
    assert_int_equal(stat(lock, &status), 0);
    assert_true((gint64)status.st_blocks * 512 >= status.st_size);
    assert_int_equal(unlink(lock), 0);

    store = open_store(*state, DM_STORE_READ);
    assert_record(store, "a", "1");
    dm_store_begin(&txn, store);
    dm_store_put(&txn, text("a"), text("2"));
    assert_int_equal(dm_store_end(&txn, &writing), DM_STORE_FAILED);
    dm_store_close(store);
    assert_int_not_equal(access(lock, F_OK), 0);

    store = open_store(*state, DM_STORE_AMEND);
    assert_int_equal(put(store, "a", "3"), DM_STORE_DONE);
    dm_store_close(store);
    assert_int_equal(access(lock, F_OK), 0);
}

/* Root amends the store of another user, whose program must be able to open the lock file afterwards. */
static void test_lock_file_owner(void **state)
{
    g_autofree char *path = g_build_filename(*state, "store.lmdb", NULL);
    g_autofree char *lock = g_strconcat(path, "-lock", NULL);
    struct stat status;

    if (geteuid() != 0)
        skip();
    dm_store_close(open_store(*state, DM_STORE_OWN));
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(chown(path, 4711, 4712), 0);
    dm_store_close(open_store(*state, DM_STORE_AMEND));
    assert_int_equal(stat(lock, &status), 0);
    assert_int_equal(status.st_uid, 4711);
    assert_int_equal(status.st_gid, 4712);
}

static void test_not_a_store(void **state)
{
    g_autofree char *path = ts_write(*state, "store.lmdb", "this is no LMDB file; this is no LMDB file; this is no");
    g_autofree char *large = g_strnfill(20000, 'x');
    g_autofree char *other = ts_write(*state, "other.lmdb", large);
    g_autoptr(GError) error = NULL;

    assert_null(dm_store_open(other, DM_STORE_OWN, TINY, &error));
    assert_int_equal(error->code, DM_ERROR_CONFIG);
    assert_non_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batch, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_error_sticks, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_conflict),
        cmocka_unit_test_setup_teardown(test_growth, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_two_processes, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_threads, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_dead_reader, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_modes, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_lock_file_owner, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_store, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
