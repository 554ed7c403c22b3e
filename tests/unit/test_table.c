#include "common/postmap.h"
#include "common/table.h"
#include "tests/unit/support.h"

#include <glib/gstdio.h>
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const source = "# comment\n"
                                  "\n"
                                  "User+ext@Example.org   one\n"
                                  "user@example.org  two words\n"
                                  "   and a third\n"
                                  "# in between\n"
                                  "\t  more\n"
                                  "@example.org\tat\n"
                                  "example.org domain\n"
                                  ".org parent\n";

/* While a table is compiled, whoever owns its folder puts a link to `aim` in the place of the file `swapped`. */
static const char *swapped;
static const char *aim;

int __real_mdb_env_create(MDB_env **env);
int __wrap_mdb_env_create(MDB_env **env);

int __wrap_mdb_env_create(MDB_env **env)
{
    if (swapped != NULL) {
        (void)unlink(swapped);
        assert_int_equal(symlink(aim, swapped), 0);
    }
    return __real_mdb_env_create(env);
}

static void compile(const char *path, gboolean two_way)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    assert_true(dm_postmap_compile(path, two_way, NULL, problems, NULL));
    assert_int_equal(problems->len, 0);
}

static DmTable *open_table(const char *kind, const char *path, DmTableFlags flags)
{
    g_autofree char *spec = g_strdup_printf("%s:%s", kind, path);
    g_autoptr(GError) error = NULL;
    DmTable *table = dm_table_open(spec, flags, &error);

    if (table == NULL)
        fail_msg("%s", error->message);
    return table;
}

static void check_find(DmTable *table, const char *address, guint how, const char *want)
{
    g_autofree char *value = NULL;
    g_autoptr(DmTableReader) reader = dm_table_read(table, NULL);

    assert_non_null(reader);
    assert_true(dm_table_find(reader, address, how, "+", &value, NULL, NULL));
    if (g_strcmp0(value, want) != 0)
        fail_msg("%s: want %s, got %s", address, want, value);
}

/* Both kinds give the same answers in Postfix's order. */
static void test_order(void **state)
{
    static const struct {
        const char *address;
        guint how;
        const char *want;
    } cases[] = {
        {"user+ext@example.org", DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN, "one"},
        {"USER+EXT@EXAMPLE.ORG", DM_FIND_ADDRESS, "one"},
        {"user+other@example.org", DM_FIND_ADDRESS, "two words   and a third\t  more"},
        {"user@example.org", DM_FIND_ADDRESS, "two words   and a third\t  more"},
        {"someone@example.org", DM_FIND_ADDRESS, NULL},
        {"someone@example.org", DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN | DM_FIND_DOMAIN, "at"},
        {"someone@example.org", DM_FIND_DOMAIN, "domain"},
        {"someone@sub.example.org", DM_FIND_ADDRESS | DM_FIND_DOMAIN, NULL},
        {"someone@sub.example.org", DM_FIND_DOMAIN | DM_FIND_PARENTS, "parent"},
        {"sub.example.org", DM_FIND_DOMAIN | DM_FIND_PARENTS, "parent"},
        {"example.org", DM_FIND_DOMAIN | DM_FIND_PARENTS, "domain"},
        {"org", DM_FIND_DOMAIN | DM_FIND_PARENTS, NULL},
        {"+ext@example.org", DM_FIND_ADDRESS, NULL},
        {"", DM_FIND_ADDRESS | DM_FIND_DOMAIN | DM_FIND_PARENTS, NULL},
    };
    static const char *const kinds[] = {"texthash", "lmdb"};
    g_autofree char *path = ts_write(*state, "table", source);

    compile(path, FALSE);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(DmTable) table = open_table(kinds[k], path, DM_TABLE_DEFAULT);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
            check_find(table, cases[i].address, cases[i].how, cases[i].want);
    }
}

/* The longest key there can be is found, and one that is longer by a byte is not, although it begins so. */
static void test_long_keys(void **state)
{
    static const char *const kinds[] = {"texthash", "lmdb"};
    g_autofree char *longest = g_strnfill(DM_POSTMAP_KEY_MAX, 'k');
    g_autofree char *longer = g_strnfill(DM_POSTMAP_KEY_MAX + 1, 'k');
    g_autofree char *upper = g_ascii_strup(longest, -1);
    g_autofree char *text = g_strdup_printf("%s value\n", longest);
    g_autofree char *path = ts_write(*state, "table", text);

    compile(path, FALSE);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(DmTable) table = open_table(kinds[k], path, DM_TABLE_DEFAULT);
        check_find(table, upper, DM_FIND_DOMAIN, "value");
        check_find(table, longer, DM_FIND_DOMAIN, NULL);
    }
}

static void test_two_way(void **state)
{
    static const char *const kinds[] = {"texthash", "lmdb"};
    g_autofree char *path = ts_write(*state, "map", "a@x.example A@x.de-mail.de\nb@x.example c@x.de-mail.de\n");

    compile(path, TRUE);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(DmTable) table = open_table(kinds[k], path, DM_TABLE_TWO_WAY);
        g_autoptr(DmTableReader) reader = dm_table_read(table, NULL);
        g_autofree char *key = NULL;
        g_autofree char *none = NULL;
        assert_true(dm_table_get_back(reader, "a@X.de-mail.de", &key, NULL));
        assert_string_equal(key, "a@x.example");
        assert_true(dm_table_get_back(reader, "b@x.de-mail.de", &none, NULL));
        assert_null(none);
    }
    g_autofree char *one_way = ts_write(*state, "one-way", "a@x.example b@x.de-mail.de\n");
    g_autofree char *spec = g_strconcat("lmdb:", one_way, NULL);
    g_autoptr(GError) error = NULL;
    compile(one_way, FALSE);
    assert_null(dm_table_open(spec, DM_TABLE_TWO_WAY, &error));
    assert_int_equal(error->code, DM_ERROR_CONFIG);
}

static gboolean count_entry(const char *key, const char *value, gpointer data)
{
    assert_true(key[0] != '\0' && value[0] != '\0');
    (*(guint *)data)++;
    return TRUE;
}

static void test_foreach(void **state)
{
    static const char *const kinds[] = {"texthash", "lmdb"};
    g_autofree char *path = ts_write(*state, "map", "a@x.example a@x.de-mail.de\nb@x.example c@x.de-mail.de\n");

    compile(path, TRUE);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(DmTable) table = open_table(kinds[k], path, DM_TABLE_TWO_WAY);
        g_autoptr(DmTableReader) reader = dm_table_read(table, NULL);
        guint count = 0;
        assert_true(dm_table_foreach(reader, count_entry, &count, NULL));
        assert_int_equal(count, 2);
    }
}

static void test_bad_sources(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"key\n", "line 1: key key has no value"},
        {"  value\n", "line 1: continues a line"},
        {"a 1\nA 2\n", "line 2: key a stands in line 1 already"},
        {"\"a b\"@x 1\n", "line 1: a quoted key"},
    };
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = ts_write(*state, "bad", cases[i].text);
        g_autofree char *made = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        assert_true(dm_postmap_compile(path, FALSE, NULL, problems, NULL));
        assert_int_equal(problems->len, 1);
        assert_non_null(strstr(g_ptr_array_index(problems, 0), cases[i].problem));
        assert_false(g_file_test(made, G_FILE_TEST_EXISTS));
    }
    g_autofree char *twice = ts_write(*state, "twice", "a@x 1@y\nb@x 1@Y\n");
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    assert_true(dm_postmap_compile(twice, TRUE, NULL, problems, NULL));
    assert_int_equal(problems->len, 1);
    assert_non_null(strstr(g_ptr_array_index(problems, 0), "ambiguous"));
    assert_false(dm_postmap_compile("/nowhere/at/all", FALSE, NULL, problems, &error));
    assert_int_equal(error->code, DM_ERROR_NOINPUT);
}

/* The link is not followed: neither is anything written where it points, nor does that get another owner or mode. */
static void test_link_in_the_way(void **state)
{
    g_autofree char *path = ts_write(*state, "theirs", "a 1\n");
    g_autofree char *temporary = g_strdup_printf("%s" DM_POSTMAP_SUFFIX ".new.%d", path, (int)getpid());
    g_autofree char *made = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);
    g_autofree char *victim = ts_write(*state, "victim", "");
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    struct stat st;

    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(victim, 0600), 0);
    aim = victim;
    swapped = temporary;
    dm_postmap_compile(path, FALSE, NULL, problems, NULL);
    swapped = NULL;
    assert_true(g_file_test(made, G_FILE_TEST_IS_SYMLINK));
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* A reader keeps its state; the next one sees the new file; a missing file is an error, or the last state is kept. */
static void test_replaced(void **state)
{
    static const char *const kinds[] = {"texthash", "lmdb"};

    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autofree char *path = ts_write(*state, "live", "a one\n");
        g_autofree char *made = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);
        g_autofree char *value = NULL;
        g_autoptr(GError) error = NULL;
        compile(path, FALSE);
        g_autoptr(DmTable) table = open_table(kinds[k], path, DM_TABLE_DEFAULT);
        g_autoptr(DmTable) kept = open_table(kinds[k], path, DM_TABLE_KEEP_LAST);
        g_autoptr(DmTableReader) before = dm_table_read(table, NULL);

        g_free(ts_write(*state, "live", "a two\nb three\n"));
        compile(path, FALSE);
        check_find(table, "a", DM_FIND_DOMAIN, "two");
        check_find(kept, "a", DM_FIND_DOMAIN, "two");
        assert_true(dm_table_get(before, "a", &value, NULL));
        assert_string_equal(value, "one");

        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(made), 0);
        assert_null(dm_table_read(table, &error));
        assert_int_equal(error->code, DM_ERROR_TEMPORARY);
        check_find(kept, "b", DM_FIND_DOMAIN, "three");

        g_free(ts_write(*state, "live", "a four\n"));
        compile(path, FALSE);
        check_find(table, "a", DM_FIND_DOMAIN, "four");
        check_find(kept, "a", DM_FIND_DOMAIN, "four");
    }
}

/* A kept table lives on though its file is cut short in place. */
static void test_truncated_in_place(void **state)
{
    g_autofree char *path = ts_write(*state, "cut", "a one\n");
    g_autofree char *made = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);

    compile(path, FALSE);
    g_autoptr(DmTable) kept = open_table("lmdb", path, DM_TABLE_KEEP_LAST);
    assert_int_equal(truncate(made, 0), 0);
    check_find(kept, "a", DM_FIND_DOMAIN, "one");
    compile(path, FALSE);
    check_find(kept, "a", DM_FIND_DOMAIN, "one");
}

/* A table that may be missing may be broken as well; it counts as soon as it is good. */
static void test_optional(void **state)
{
    g_autofree char *path = ts_write(*state, "optional", source);
    g_autofree char *junk = ts_write(*state, "optional" DM_POSTMAP_SUFFIX, "junk");
    g_autoptr(DmTable) table = open_table("lmdb", path, DM_TABLE_KEEP_LAST | DM_TABLE_OPTIONAL);

    check_find(table, "example.org", DM_FIND_DOMAIN, NULL);
    assert_int_equal(g_unlink(junk), 0);
    compile(path, FALSE);
    check_find(table, "example.org", DM_FIND_DOMAIN, "domain");
}

static void test_not_ours(void **state)
{
    g_autofree char *path = g_build_filename(*state, "t", NULL);
    g_autofree char *spec = g_strconcat("lmdb:", path, NULL);
    g_autofree char *junk = g_strnfill(20000, 'x');
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) broken = NULL;
    g_autoptr(GError) cut = NULL;
    g_autoptr(GError) form = NULL;

    assert_null(dm_table_open(spec, DM_TABLE_DEFAULT, &missing));
    assert_int_equal(missing->code, DM_ERROR_NOINPUT);
    assert_non_null(strstr(missing->message, "demailctl postmap"));
    g_free(ts_write(*state, "t.demail.lmdb", junk));
    assert_null(dm_table_open(spec, DM_TABLE_DEFAULT, &broken));
    assert_int_equal(broken->code, DM_ERROR_CONFIG);
    g_free(ts_write(*state, "t", "a b\n"));
    compile(path, FALSE);
    g_autofree char *made = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);
    assert_int_equal(truncate(made, 8192), 0);
    assert_null(dm_table_open(spec, DM_TABLE_DEFAULT, &cut));
    assert_null(dm_table_open("hash:/etc/passwd", DM_TABLE_DEFAULT, &form));
    assert_int_equal(form->code, DM_ERROR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_long_keys, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_two_way, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_foreach, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_sources, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_link_in_the_way, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_replaced, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_in_place, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_optional, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_not_ours, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
