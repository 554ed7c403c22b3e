#include "common/postmap.h"
#include "common/table_backend.h"

#include <errno.h>

typedef struct {
    GHashTable *forward;
    GHashTable *back; /* NULL unless looked up both ways */
    GPtrArray *problems;
    const char *file;
} Text;

static char *text_file(const char *name)
{
    return g_strdup(name);
}

static void text_close(gpointer snapshot)
{
    Text *text = snapshot;

    g_hash_table_unref(text->forward);
    g_clear_pointer(&text->back, g_hash_table_unref);
    g_free(text);
}

static void add_entry(const char *key, const char *value, guint line, gpointer data)
{
    Text *text = data;

    if (!g_hash_table_insert(text->forward, g_strdup(key), g_strdup(value)))
        g_ptr_array_add(text->problems, g_strdup_printf("%s, line %u: key %s stands there twice; remove one of them",
                                                        text->file, line, key));
    if (text->back != NULL && !g_hash_table_insert(text->back, g_ascii_strdown(value, -1), g_strdup(key)))
        g_ptr_array_add(text->problems,
                        g_strdup_printf("%s, line %u: %s has more than one key, the way back is ambiguous; remove one",
                                        text->file, line, value));
}

static gpointer text_open(const char *name, const char *file, DmTableFlags flags, struct stat *st, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    Text *text = g_new0(Text, 1);

    (void)name;
    text->forward = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if ((flags & DM_TABLE_TWO_WAY) != 0)
        text->back = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    text->problems = problems;
    text->file = file;

    /* The status is taken before reading: a change in between is noticed at the next look. */
    gboolean good = stat(file, st) == 0;
    if (!good)
        g_set_error(error, DM_ERROR, errno == EACCES ? DM_ERROR_NOPERM : DM_ERROR_NOINPUT,
                    "table %s: %s; make the file or correct the path", file, g_strerror(errno));
    else
        good = dm_postmap_parse(file, add_entry, text, problems, error);
    if (good && problems->len > 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "table %s", (const char *)g_ptr_array_index(problems, 0));
        good = FALSE;
    }
    text->problems = NULL;
    text->file = NULL;
    if (!good) {
        text_close(text);
        return NULL;
    }
    return text;
}

static gpointer text_cursor_new(gpointer snapshot, GError **error)
{
    (void)error;
    return snapshot;
}

static void text_cursor_free(gpointer cursor)
{
    (void)cursor;
}

static gboolean text_get(gpointer cursor, const char *key, char **value, GError **error)
{
    const Text *text = cursor;

    (void)error;
    *value = g_strdup(g_hash_table_lookup(text->forward, key));
    return TRUE;
}

static gboolean text_get_back(gpointer cursor, const char *value, char **key, GError **error)
{
    const Text *text = cursor;

    (void)error;
    *key = text->back != NULL ? g_strdup(g_hash_table_lookup(text->back, value)) : NULL;
    return TRUE;
}

static gboolean text_each(gpointer cursor, gboolean (*each)(const char *, const char *, gpointer), gpointer data,
                          GError **error)
{
    const Text *text = cursor;
    GHashTableIter iter;
    gpointer key;
    gpointer value;

    (void)error;
    g_hash_table_iter_init(&iter, text->forward);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (!each(key, value, data))
            break;
    }
    return TRUE;
}

const DmTableBackend dm_table_text = {
    .prefix = "texthash",
    .file = text_file,
    .open = text_open,
    .close = text_close,
    .cursor_new = text_cursor_new,
    .cursor_free = text_cursor_free,
    .get = text_get,
    .get_back = text_get_back,
    .each = text_each,
};
