/* The source of a table: in memory it is what its lines say, and it can be looked up in both ways. */
#include "common/table.h"

#include "common/postmap.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

void fuzz_start(void)
{
}

static void on_entry(const char *key, const char *value, guint line, gpointer data)
{
    g_autofree char *lower = g_ascii_strdown(key, -1);

    (void)data;
    FUZZ_CHECK(line > 0);
    FUZZ_CHECK(key[0] != '\0' && value[0] != '\0' && strlen(key) <= DM_POSTMAP_KEY_MAX);
    FUZZ_CHECK((guchar)key[0] >= ' ');
    FUZZ_CHECK(strpbrk(key, " \t\r\n") == NULL && strpbrk(value, "\n") == NULL);
    FUZZ_CHECK(g_str_equal(lower, key));
    FUZZ_CHECK(strlen(value) <= DM_POSTMAP_LINE_MAX);
}

static gboolean on_pair(const char *key, const char *value, gpointer data)
{
    DmTableReader *reader = data;
    g_autofree char *found = NULL;
    g_autofree char *back = NULL;
    g_autofree char *hit = NULL;
    g_autofree char *where = NULL;

    FUZZ_CHECK(dm_table_get(reader, key, &found, NULL));
    FUZZ_CHECK(found != NULL && g_str_equal(found, value));
    FUZZ_CHECK(dm_table_get_back(reader, value, &back, NULL));
    FUZZ_CHECK(back != NULL && g_str_equal(back, key));
    FUZZ_CHECK(dm_table_find(reader, key, DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN | DM_FIND_DOMAIN | DM_FIND_PARENTS, "+-",
                             &hit, &where, NULL));
    FUZZ_CHECK((hit != NULL) == (where != NULL));
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    g_autofree char *path = fuzz_path(fd);
    g_autofree char *spec = g_strconcat("texthash:", path, NULL);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    FUZZ_CHECK(dm_postmap_parse(path, on_entry, NULL, problems, NULL));
    g_autoptr(DmTable) table = dm_table_open(spec, DM_TABLE_TWO_WAY, &error);
    FUZZ_CHECK((table == NULL) == (error != NULL));
    FUZZ_CHECK(table == NULL || problems->len == 0);
    if (table != NULL) {
        g_autoptr(DmTableReader) reader = dm_table_read(table, NULL);
        FUZZ_CHECK(reader != NULL);
        FUZZ_CHECK(dm_table_foreach(reader, on_pair, reader, NULL));
    }
    close(fd);
    return 0;
}
