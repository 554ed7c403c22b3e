#include "common/store_env.h"

#include "common/step.h"

#include <string.h>

/* What a batch has read, by a digest, so that long lists take no memory. */
typedef struct {
    GString *first;
    GString *after; /* or NULL */
    guint limit;    /* 0: the record of the key `first` */
    char *digest;
} Read;

/* record == NULL: the key goes. */
typedef DmStorePair Change;

static void free_string(GString *string)
{
    if (string != NULL)
        g_string_free(string, TRUE);
}

static void clear_pair(gpointer data)
{
    DmStorePair *pair = data;

    free_string(pair->key);
    free_string(pair->record);
}

static void clear_read(gpointer data)
{
    Read *read = data;

    free_string(read->first);
    free_string(read->after);
    g_free(read->digest);
}

GArray *dm_store_pairs_new(void)
{
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(DmStorePair));

    g_array_set_clear_func(pairs, clear_pair);
    return pairs;
}

static GString *copy_value(const MDB_val *value)
{
    return g_string_new_len(value->mv_data, (gssize)value->mv_size);
}

static GString *copy_string(const GString *string)
{
    return string != NULL ? g_string_new_len(string->str, (gssize)string->len) : NULL;
}

static MDB_val value_of(const GString *string)
{
    return (MDB_val){string->len, string->str};
}

static gboolean is_equal(const MDB_val *value, const GString *string)
{
    return value->mv_size == string->len && memcmp(value->mv_data, string->str, string->len) == 0;
}

static gboolean begins_with(const MDB_val *key, const GString *prefix)
{
    return key->mv_size >= prefix->len && memcmp(key->mv_data, prefix->str, prefix->len) == 0;
}

static int scan_with(MDB_cursor *cursor, const Read *read, GArray *pairs)
{
    MDB_val k = value_of(read->after != NULL ? read->after : read->first);
    MDB_val v;

    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == 0 && read->after != NULL && is_equal(&k, read->after))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    for (guint left = read->limit; rc == 0 && left > 0 && begins_with(&k, read->first); left--) {
        const DmStorePair pair = {copy_value(&k), copy_value(&v)};

        g_array_append_val(pairs, pair);
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int scan(MDB_txn *txn, MDB_dbi dbi, const Read *read, GArray *pairs)
{
    MDB_cursor *cursor = NULL;

    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0)
        return rc;
    rc = scan_with(cursor, read, pairs);
    mdb_cursor_close(cursor);
    return rc;
}

static int get(MDB_txn *txn, MDB_dbi dbi, const Read *read, GArray *pairs)
{
    MDB_val k = value_of(read->first);
    MDB_val v;

    int rc = mdb_get(txn, dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc == 0) {
        const DmStorePair pair = {copy_string(read->first), copy_value(&v)};
        g_array_append_val(pairs, pair);
    }
    return rc;
}

static int perform(MDB_txn *txn, MDB_dbi dbi, const Read *read, GArray *pairs)
{
    return read->limit > 0 ? scan(txn, dbi, read, pairs) : get(txn, dbi, read, pairs);
}

static void add_to_digest(GChecksum *sum, const GString *string)
{
    const guint64 length = string->len;

    g_checksum_update(sum, (const guchar *)&length, sizeof length);
    g_checksum_update(sum, (const guchar *)string->str, (gssize)string->len);
}

static char *digest_of(const GArray *pairs)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (guint i = 0; i < pairs->len; i++) {
        const DmStorePair *pair = &g_array_index(pairs, DmStorePair, i);
        add_to_digest(sum, pair->key);
        add_to_digest(sum, pair->record);
    }
    return g_strdup(g_checksum_get_string(sum));
}

void dm_store_begin(DmStoreTxn *txn, DmStore *store)
{
    *txn =
        (DmStoreTxn){.store = store, .reads = g_array_new(FALSE, FALSE, sizeof(Read)), .changes = dm_store_pairs_new()};
    g_array_set_clear_func(txn->reads, clear_read);
}

static void take_snapshot(DmStoreTxn *txn)
{
    int rc = dm_store_enter(txn->store, MDB_RDONLY, &txn->snapshot, &txn->generation);

    for (guint i = 0; rc != 0 && i < DM_STORE_TRIES; i++) {
        rc = dm_store_recover(txn->store, rc, txn->generation);
        if (rc != 0)
            break;
        rc = dm_store_enter(txn->store, MDB_RDONLY, &txn->snapshot, &txn->generation);
    }
    if (rc == 0)
        return;
    txn->snapshot = NULL;
    dm_store_set_error(txn->store, rc, "can't be read", &txn->error);
}

static void drop_snapshot(DmStoreTxn *txn)
{
    if (txn->snapshot == NULL)
        return;
    mdb_txn_abort(txn->snapshot);
    txn->snapshot = NULL;
    dm_store_leave(txn->store);
}

/* Takes the strings. */
static GArray *read_pairs(DmStoreTxn *txn, GString *first, GString *after, guint limit)
{
    g_autoptr(GArray) pairs = dm_store_pairs_new();
    Read read = {first, after, limit, NULL};
    int rc = 0;

    if (txn->error == NULL && txn->snapshot == NULL)
        take_snapshot(txn);
    if (txn->error == NULL) {
        rc = perform(txn->snapshot, txn->store->dbi, &read, pairs);
        if (rc != 0) {
            g_array_set_size(pairs, 0);
            dm_store_set_error(txn->store, rc, "can't be read", &txn->error);
        }
    }
    read.digest = digest_of(pairs);
    g_array_append_val(txn->reads, read);
    return g_steal_pointer(&pairs);
}

GString *dm_store_get(DmStoreTxn *txn, GString *key)
{
    g_autoptr(GArray) pairs = read_pairs(txn, key, NULL, 0);

    return pairs->len > 0 ? g_steal_pointer(&g_array_index(pairs, DmStorePair, 0).record) : NULL;
}

GArray *dm_store_scan(DmStoreTxn *txn, const GString *prefix, const GString *after, guint limit)
{
    return read_pairs(txn, copy_string(prefix), copy_string(after), limit);
}

void dm_store_put(DmStoreTxn *txn, GString *key, GString *record)
{
    const Change change = {key, record};

    g_array_append_val(txn->changes, change);
}

void dm_store_delete(DmStoreTxn *txn, GString *key)
{
    dm_store_put(txn, key, NULL);
}

static int still_so(MDB_txn *txn, MDB_dbi dbi, const GArray *reads, gboolean *so)
{
    int rc = 0;

    *so = TRUE;
    for (guint i = 0; rc == 0 && *so && i < reads->len; i++) {
        const Read *read = &g_array_index(reads, Read, i);
        g_autoptr(GArray) pairs = dm_store_pairs_new();

        rc = perform(txn, dbi, read, pairs);
        g_autofree char *digest = digest_of(pairs);
        *so = strcmp(digest, read->digest) == 0;
    }
    return rc;
}

static int make_changes(MDB_txn *txn, MDB_dbi dbi, const GArray *changes)
{
    int rc = 0;

    for (guint i = 0; rc == 0 && i < changes->len; i++) {
        const Change *change = &g_array_index(changes, Change, i);
        MDB_val k = value_of(change->key);
        MDB_val v = change->record != NULL ? value_of(change->record) : (MDB_val){0};

        rc = change->record != NULL ? mdb_put(txn, dbi, &k, &v, 0) : mdb_del(txn, dbi, &k, NULL);
        if (rc == MDB_NOTFOUND && change->record == NULL)
            rc = 0;
    }
    return rc;
}

int dm_store_make(const DmStoreTxn *txn, MDB_txn *writing, gboolean *so)
{
    int rc = still_so(writing, txn->store->dbi, txn->reads, so);

    return rc == 0 && *so ? make_changes(writing, txn->store->dbi, txn->changes) : rc;
}

static DmStoreEnd apply(DmStoreTxn *txn)
{
    gboolean so = TRUE;

    dm_step("journal-write");

    int rc = dm_store_commit(txn, &so);

    if (rc != 0)
        dm_store_set_error(txn->store, rc, "can't be written", &txn->error);
    else if (so)
        dm_step("journal-written");
    return rc != 0 ? DM_STORE_FAILED : so ? DM_STORE_DONE : DM_STORE_CONFLICT;
}

DmStoreEnd dm_store_end(DmStoreTxn *txn, GError **error)
{
    DmStoreEnd end = DM_STORE_DONE;

    drop_snapshot(txn);
    if (txn->error == NULL && txn->changes->len > 0)
        end = apply(txn);
    if (txn->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&txn->error));
        end = DM_STORE_FAILED;
    }
    g_clear_pointer(&txn->reads, g_array_unref);
    g_clear_pointer(&txn->changes, g_array_unref);
    return end;
}
