/*
 * How fast look-ups in a compiled table are: ours against mdb_get() on the same file, for the same keys, half of them
 * hits, in random order.
 *
 * usage: bench_table make FILE ENTRIES              writes the source of a table, in random order
 *        bench_table look-up FILE ENTRIES COUNT HOW in the table compiled from it
 *        bench_table replace FILE ENTRIES COUNT MS  the same ("read"); meanwhile every MS milliseconds a link to
 *                                                    FILE.1 or FILE.2, in turn, is renamed to the compiled table
 * HOW: raw    mdb_get() in one transaction
 *      get    dm_table_get() with one reader
 *      renew  mdb_get() in a transaction of its own, as a server takes it: renewed, and reset
 *      read   dm_table_read(), dm_table_get(): what the policy does for a key
 *      find   dm_table_read(), dm_table_find() of user+extension@domain, user@domain, @domain
 * Prints: look-up  seconds
 *         replace  seconds, how often the table was replaced, how many look-ups failed
 * Exit: 0, 64 usage, 70 if something did not work or an answer was wrong.
 */
#include "common/postmap.h"
#include "common/table.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ENTRIES_MAX 100000000U
#define COUNT_MAX   100000000U
#define STEP        2654435761U /* a prime: multiples of it visit all numbers, in no order */
#define DOMAINS     1000U
#define MS_MAX      60000U
#define KEY_SIZE    64
#define VALUE       "private,receipt"

/* Number n of all addresses: those with even numbers are in the table. */
static void write_key(char key[KEY_SIZE], guint64 n)
{
    g_snprintf(key, KEY_SIZE, "vorname.familienname%07u@stadt%03u.example", (guint)(n / DOMAINS), (guint)(n % DOMAINS));
}

/* The number's last digit stands before the "." of the domain: DOMAINS is even. */
static gboolean is_in_table(const char *key)
{
    return (strstr(key, ".example")[-1] - '0') % 2 == 0;
}

static guint64 shuffled(guint64 i, guint64 entries)
{
    return i * STEP % entries;
}

static gboolean make(const char *path, guint entries)
{
    FILE *file = fopen(path, "we");
    char key[KEY_SIZE];

    for (guint i = 0; file != NULL && i < entries; i++) {
        write_key(key, 2 * shuffled(i, entries));
        fprintf(file, "%s\t%s\n", key, VALUE);
    }
    return file != NULL && fclose(file) == 0;
}

/* Keys to look up, one after another; half of them are there. */
typedef struct {
    char (*keys)[KEY_SIZE];
    guint count;
    guint hits;
} Keys;

static Keys make_keys(guint entries, guint count)
{
    Keys all = {g_malloc_n(count, KEY_SIZE), count, 0};

    for (guint i = 0; i < count; i++) {
        guint64 n = shuffled(i + 1, 2 * (guint64)entries);
        write_key(all.keys[i], n);
        all.hits += n % 2 == 0 ? 1 : 0;
    }
    return all;
}

static gint64 now(void)
{
    return g_get_monotonic_time();
}

typedef struct {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
} Raw;

/* As Postfix opens tables that are replaced: read-only, without locks. */
static gboolean open_raw(Raw *raw, const char *path)
{
    g_autofree char *file = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);

    return mdb_env_create(&raw->env) == 0 &&
           mdb_env_open(raw->env, file, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0) == 0 &&
           mdb_txn_begin(raw->env, NULL, MDB_RDONLY, &raw->txn) == 0 && mdb_dbi_open(raw->txn, NULL, 0, &raw->dbi) == 0;
}

static guint look_up_raw(const Raw *raw, const Keys *all, gboolean renew)
{
    guint hits = 0;

    if (renew)
        mdb_txn_reset(raw->txn);
    for (guint i = 0; i < all->count; i++) {
        MDB_val k = {strlen(all->keys[i]), all->keys[i]};
        MDB_val v;
        if (renew && mdb_txn_renew(raw->txn) != 0)
            return 0;
        hits += mdb_get(raw->txn, raw->dbi, &k, &v) == 0 && v.mv_size == strlen(VALUE) ? 1 : 0;
        if (renew)
            mdb_txn_reset(raw->txn);
    }
    return hits;
}

static gboolean is_right(const char *value)
{
    return value != NULL && strcmp(value, VALUE) == 0;
}

static guint look_up_with(DmTableReader *reader, const Keys *all)
{
    guint hits = 0;

    for (guint i = 0; i < all->count; i++) {
        g_autofree char *value = NULL;
        if (!dm_table_get(reader, all->keys[i], &value, NULL))
            return 0;
        hits += is_right(value) ? 1 : 0;
    }
    return hits;
}

static gboolean look_up_one(DmTable *table, const char *key, gboolean find, gboolean *hit)
{
    g_autoptr(DmTableReader) reader = dm_table_read(table, NULL);
    g_autofree char *value = NULL;

    if (reader == NULL ||
        !(find ? dm_table_find(reader, key, DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN, "+", &value, NULL, NULL)
               : dm_table_get(reader, key, &value, NULL)))
        return FALSE;
    *hit = is_right(value);
    return TRUE;
}

static guint look_up_each(DmTable *table, const Keys *all, gboolean find)
{
    guint hits = 0;

    for (guint i = 0; i < all->count; i++) {
        gboolean hit = FALSE;
        if (!look_up_one(table, all->keys[i], find, &hit))
            return 0;
        hits += hit ? 1 : 0;
    }
    return hits;
}

/* Look-ups that could not be made, or found nothing where there is something, or the reverse. */
static guint count_failed(DmTable *table, const Keys *all)
{
    guint failed = 0;

    for (guint i = 0; i < all->count; i++) {
        gboolean hit = FALSE;
        if (!look_up_one(table, all->keys[i], FALSE, &hit) || hit != is_in_table(all->keys[i]))
            failed++;
    }
    return failed;
}

static DmTable *open_table(const char *path)
{
    g_autofree char *spec = g_strconcat("lmdb:", path, NULL);

    return dm_table_open(spec, DM_TABLE_DEFAULT, NULL);
}

/* user@domain as user+list@domain, which is found under user@domain. */
static void add_extensions(const Keys *all)
{
    for (guint i = 0; i < all->count; i++) {
        char *at = strchr(all->keys[i], '@');
        memmove(at + strlen("+list"), at, strlen(at) + 1);
        memcpy(at, "+list", strlen("+list"));
    }
}

static gboolean look_up(const char *path, guint entries, guint count, const char *how)
{
    Keys all = make_keys(entries, count);
    g_autofree char(*keys)[KEY_SIZE] = all.keys;
    g_autoptr(DmTable) table = open_table(path);
    g_autoptr(DmTableReader) reader = table != NULL ? dm_table_read(table, NULL) : NULL;
    Raw raw = {0};
    guint hits = 0;

    if (reader == NULL || !open_raw(&raw, path))
        return FALSE;
    if (strcmp(how, "find") == 0)
        add_extensions(&all);
    look_up_raw(&raw, &all, FALSE); /* so that all of the file is in the map */
    look_up_with(reader, &all);

    gint64 start = now();
    if (strcmp(how, "raw") == 0 || strcmp(how, "renew") == 0)
        hits = look_up_raw(&raw, &all, strcmp(how, "renew") == 0);
    else if (strcmp(how, "get") == 0)
        hits = look_up_with(reader, &all);
    else
        hits = look_up_each(table, &all, strcmp(how, "find") == 0);
    printf("%.6f\n", (double)(now() - start) / G_USEC_PER_SEC);
    mdb_txn_abort(raw.txn);
    mdb_env_close(raw.env);
    return hits == all.hits && keys != NULL;
}

typedef struct {
    const char *path;
    guint ms;
    GMutex lock;
    GCond stop;
    gboolean stopping;
    guint replaced;
    gboolean failed;
} Replacing;

static gboolean replace_once(const char *path, guint which)
{
    g_autofree char *compiled = g_strconcat(path, DM_POSTMAP_SUFFIX, NULL);
    g_autofree char *made = g_strdup_printf("%s.%u", path, which);
    g_autofree char *new = g_strconcat(compiled, ".new", NULL);

    /* rename(2) does nothing, and leaves both, where both are the same file: after a run that ended with this one. */
    return link(made, new) == 0 && rename(new, compiled) == 0 && (unlink(new) == 0 || errno == ENOENT);
}

static gpointer replace_often(gpointer data)
{
    Replacing *r = data;

    g_mutex_lock(&r->lock);
    while (!r->stopping) {
        gint64 end = now() + (gint64)r->ms * G_TIME_SPAN_MILLISECOND;
        while (!r->stopping && g_cond_wait_until(&r->stop, &r->lock, end)) {
        }
        if (!r->stopping)
            r->failed = !replace_once(r->path, 1 + r->replaced++ % 2) || r->failed;
    }
    g_mutex_unlock(&r->lock);
    return NULL;
}

static gboolean look_up_replaced(const char *path, guint entries, guint count, guint ms)
{
    Keys all = make_keys(entries, count);
    g_autofree char(*keys)[KEY_SIZE] = all.keys;
    g_autoptr(DmTable) table = open_table(path);
    Replacing r = {.path = path, .ms = ms};

    if (table == NULL)
        return FALSE;
    GThread *thread = g_thread_new("replace", replace_often, &r);
    gint64 start = now();
    guint failed = count_failed(table, &all);
    double seconds = (double)(now() - start) / G_USEC_PER_SEC;
    g_mutex_lock(&r.lock);
    r.stopping = TRUE;
    g_cond_signal(&r.stop);
    g_mutex_unlock(&r.lock);
    g_thread_join(thread);
    printf("%.6f %u %u\n", seconds, r.replaced, failed);
    return !r.failed && keys != NULL;
}

static gboolean number(const char *text, guint max, guint *value)
{
    guint64 read = 0;
    gboolean good = g_ascii_string_to_unsigned(text, 10, 1, max, &read, NULL);

    *value = (guint)read;
    return good;
}

int main(int argc, char *argv[])
{
    guint entries = 0;
    guint count = 0;
    guint ms = 0;

    if (argc < 4 || !number(argv[3], ENTRIES_MAX, &entries))
        return EX_USAGE;
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], entries) ? 0 : EX_SOFTWARE;
    if (argc == 6 && strcmp(argv[1], "look-up") == 0 && number(argv[4], COUNT_MAX, &count))
        return look_up(argv[2], entries, count, argv[5]) ? 0 : EX_SOFTWARE;
    if (argc == 6 && strcmp(argv[1], "replace") == 0 && number(argv[4], COUNT_MAX, &count) &&
        number(argv[5], MS_MAX, &ms))
        return look_up_replaced(argv[2], entries, count, ms) ? 0 : EX_SOFTWARE;
    return EX_USAGE;
}
