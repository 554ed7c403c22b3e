#include "common/table.h"

#include "common/log.h"
#include "common/postmap.h"
#include "common/table_backend.h"

#include <errno.h>
#include <string.h>

typedef struct {
    gatomicrefcount references;
    const DmTableBackend *backend;
    gpointer data;
} Snapshot;

struct DmTable {
    const DmTableBackend *backend;
    char *name;
    char *file;
    DmTableFlags flags;

    GMutex lock;        /* guards what follows */
    Snapshot *snapshot; /* NULL: an optional table without file */
    struct stat seen;
    gboolean broken; /* the last attempt failed and was logged */
};

struct DmTableReader {
    Snapshot *snapshot; /* NULL: an empty table */
    gpointer cursor;
};

static Snapshot *snapshot_ref(Snapshot *snapshot)
{
    g_atomic_ref_count_inc(&snapshot->references);
    return snapshot;
}

static void snapshot_unref(Snapshot *snapshot)
{
    if (snapshot == NULL || !g_atomic_ref_count_dec(&snapshot->references))
        return;
    snapshot->backend->close(snapshot->data);
    g_free(snapshot);
}

static const DmTableBackend *backend_for(const char *spec, const char **name)
{
    static const DmTableBackend *const backends[] = {&dm_table_lmdb, &dm_table_text};

    for (gsize i = 0; i < G_N_ELEMENTS(backends); i++) {
        gsize length = strlen(backends[i]->prefix);
        if (strncmp(spec, backends[i]->prefix, length) == 0 && spec[length] == ':' && spec[length + 1] == '/') {
            *name = spec + length + 1;
            return backends[i];
        }
    }
    return NULL;
}

static gboolean load(DmTable *table, GError **error)
{
    struct stat st;
    gpointer data = table->backend->open(table->name, table->file, table->flags, &st, error);
    if (data == NULL)
        return FALSE;

    Snapshot *snapshot = g_new0(Snapshot, 1);
    g_atomic_ref_count_init(&snapshot->references);
    snapshot->backend = table->backend;
    snapshot->data = data;
    snapshot_unref(table->snapshot);
    table->snapshot = snapshot;
    table->seen = st;
    return TRUE;
}

/* Reads it for the first time. Ordinary mail must not stop for a table that others write and that may be missing. */
static gboolean load_first(DmTable *table, GError **error)
{
    static const char effect[] = "empty until it is there";
    struct stat st;
    g_autoptr(GError) reason = NULL;

    if (load(table, &reason))
        return TRUE;
    if ((table->flags & DM_TABLE_OPTIONAL) == 0) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return FALSE;
    }
    if (stat(table->file, &st) != 0 && errno == ENOENT)
        dm_log(DM_LOG_WARNING, "table-missing", DM_S("file", table->file), DM_S("effect", effect));
    else
        dm_log(DM_LOG_ERROR, "table-lost", DM_S("file", table->file), DM_S("reason", reason->message),
               DM_S("effect", effect));
    table->broken = TRUE;
    return TRUE;
}

DmTable *dm_table_open(const char *spec, DmTableFlags flags, GError **error)
{
    const char *name = NULL;
    const DmTableBackend *backend = backend_for(spec, &name);
    if (backend == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "table %s: write it as lmdb:/PATH or texthash:/PATH", spec);
        return NULL;
    }

    g_autoptr(DmTable) table = g_new0(DmTable, 1);
    g_mutex_init(&table->lock);
    table->backend = backend;
    table->name = g_strdup(name);
    table->file = backend->file(name);
    table->flags = flags;
    if (!load_first(table, error))
        return NULL;
    return g_steal_pointer(&table);
}

void dm_table_free(DmTable *table)
{
    if (table == NULL)
        return;
    snapshot_unref(table->snapshot);
    g_mutex_clear(&table->lock);
    g_free(table->name);
    g_free(table->file);
    g_free(table);
}

const char *dm_table_file(const DmTable *table)
{
    return table->file;
}

static gboolean is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Brings the snapshot up to date with the file. With the lock held. */
static gboolean refresh(DmTable *table, GError **error)
{
    struct stat st;
    g_autoptr(GError) reason = NULL;

    if (stat(table->file, &st) != 0) {
        g_set_error(&reason, DM_ERROR, DM_ERROR_TEMPORARY, "table %s: %s; restore the file", table->file,
                    g_strerror(errno));
    } else if ((is_same_file(&st, &table->seen) && !table->broken) || load(table, &reason)) {
        if (table->broken)
            dm_log(DM_LOG_INFO, "table-restored", DM_S("file", table->file));
        table->broken = FALSE;
        return TRUE;
    }

    gboolean keep = (table->flags & DM_TABLE_KEEP_LAST) != 0;
    if (!table->broken)
        dm_log(DM_LOG_ERROR, "table-lost", DM_S("file", table->file), DM_S("reason", reason->message),
               DM_S("effect", keep ? "goes on with what was read last" : "De-Mail is deferred"));
    table->broken = TRUE;
    if (keep)
        return TRUE;
    g_set_error_literal(error, DM_ERROR, DM_ERROR_TEMPORARY, reason->message);
    return FALSE;
}

DmTableReader *dm_table_read(DmTable *table, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&table->lock);
    if (!refresh(table, error))
        return NULL;

    if (table->snapshot == NULL)
        return g_new0(DmTableReader, 1);
    gpointer cursor = table->backend->cursor_new(table->snapshot->data, error);
    if (cursor == NULL)
        return NULL;
    DmTableReader *reader = g_new0(DmTableReader, 1);
    reader->snapshot = snapshot_ref(table->snapshot);
    reader->cursor = cursor;
    return reader;
}

void dm_table_reader_free(DmTableReader *reader)
{
    if (reader == NULL)
        return;
    if (reader->snapshot != NULL)
        reader->snapshot->backend->cursor_free(reader->cursor);
    snapshot_unref(reader->snapshot);
    g_free(reader);
}

/* In lower case. FALSE for a key that is longer than any in a table. */
static gboolean fold(const char *key, char folded[DM_POSTMAP_KEY_MAX + 1])
{
    gsize length = 0;

    for (; key[length] != '\0'; length++) {
        if (length == DM_POSTMAP_KEY_MAX)
            return FALSE;
        folded[length] = (char)(g_ascii_isupper(key[length]) ? key[length] + ('a' - 'A') : key[length]);
    }
    folded[length] = '\0';
    return TRUE;
}

gboolean dm_table_get(DmTableReader *reader, const char *key, char **value, GError **error)
{
    char folded[DM_POSTMAP_KEY_MAX + 1];

    *value = NULL;
    if (reader->snapshot == NULL || !fold(key, folded))
        return TRUE;
    return reader->snapshot->backend->get(reader->cursor, folded, value, error);
}

gboolean dm_table_get_back(DmTableReader *reader, const char *value, char **key, GError **error)
{
    g_autofree char *folded = g_ascii_strdown(value, -1);

    *key = NULL;
    return reader->snapshot == NULL || reader->snapshot->backend->get_back(reader->cursor, folded, key, error);
}

gboolean dm_table_foreach(DmTableReader *reader, gboolean (*each)(const char *key, const char *value, gpointer data),
                          gpointer data, GError **error)
{
    return reader->snapshot == NULL || reader->snapshot->backend->each(reader->cursor, each, data, error);
}

typedef struct {
    DmTableReader *reader;
    char **value;
    char **key;
    GError **error;
} Search;

/* Tries one key. FALSE ends the search: found, or an error. */
static gboolean is_miss(const Search *search, const char *key, gboolean *failed)
{
    if (!dm_table_get(search->reader, key, search->value, search->error)) {
        *failed = TRUE;
        return FALSE;
    }
    if (*search->value == NULL)
        return TRUE;
    if (search->key != NULL)
        *search->key = g_ascii_strdown(key, -1);
    return FALSE;
}

static gboolean misses_address(const Search *search, const char *address, const char *at, const char *delimiter,
                               gboolean *failed)
{
    if (!is_miss(search, address, failed))
        return FALSE;
    if (delimiter == NULL || delimiter[0] == '\0')
        return TRUE;
    gsize base = strcspn(address, delimiter);
    if (base == 0 || address + base >= at)
        return TRUE;
    g_autofree char *without_extension = g_strdup_printf("%.*s%s", (int)base, address, at);
    return is_miss(search, without_extension, failed);
}

static gboolean misses_parents(const Search *search, const char *domain, gboolean *failed)
{
    for (const char *dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        if (!is_miss(search, dot, failed))
            return FALSE;
    }
    return TRUE;
}

gboolean dm_table_find(DmTableReader *reader, const char *address, guint how, const char *delimiter, char **value,
                       char **key, GError **error)
{
    const Search search = {reader, value, key, error};
    const char *at = strrchr(address, '@');
    const char *domain = at != NULL ? at + 1 : address;
    gboolean failed = FALSE;

    *value = NULL;
    if (key != NULL)
        *key = NULL;
    if ((how & DM_FIND_ADDRESS) != 0 && at != NULL && !misses_address(&search, address, at, delimiter, &failed))
        return !failed;
    if ((how & DM_FIND_AT_DOMAIN) != 0 && at != NULL && !is_miss(&search, at, &failed))
        return !failed;
    if ((how & DM_FIND_DOMAIN) != 0 && domain[0] != '\0' && !is_miss(&search, domain, &failed))
        return !failed;
    if ((how & DM_FIND_PARENTS) != 0 && !misses_parents(&search, domain, &failed))
        return !failed;
    return TRUE;
}
