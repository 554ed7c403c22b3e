/*
 * A store of keys and records in one LMDB file, changed in batches.
 *
 * A batch is begun, reads and changes, and is ended. Its first error sticks: all later calls on it do nothing and find
 * nothing, and dm_store_end() tells. So nothing between needs a check. What a batch reads is as it was at its first
 * read, without its own changes. Ending it makes all its changes, durable on return, or none; and only if all that it
 * has read is still so, whichever thread or process wrote in between: else it ends with DM_STORE_CONFLICT, for the
 * caller to begin again. A batch belongs to one thread, which may have one at a time; a store, to any. Batches that end
 * while another is being made durable wait for it and then share one commit: many threads cost no more syncs than one.
 *
 * The file grows as needed, by whichever process. A full disk or an I/O error is DM_ERROR_TEMPORARY: nothing is
 * changed, unless the disk failed at the very last write, when all may be; the next batch works again once the disk
 * does.
 */
#ifndef DEMAIL_COMMON_STORE_H
#define DEMAIL_COMMON_STORE_H

#include "common/error.h"

#include <glib.h>

typedef struct DmStore DmStore;

typedef enum {
    DM_STORE_READ,  /* makes no files, not even LMDB's lock file */
    DM_STORE_OWN,   /* makes the files, and gives places of readers that died back */
    DM_STORE_AMEND, /* writes to a file that is there; a lock file that it makes gets the file's owner */
} DmStoreMode;

/* The store in the file `path`, beside it PATH-lock. `size`: of its map at first, in bytes; it takes no space on the
 * disk. Errors: DM_ERROR_NOINPUT (none there), DM_ERROR_NOPERM, DM_ERROR_CONFIG (no such file, or damaged),
 * DM_ERROR_TEMPORARY. */
DmStore *dm_store_open(const char *path, DmStoreMode mode, gsize size, GError **error);
void dm_store_close(DmStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmStore, dm_store_close)

/* Gives places of readers that died back. */
gboolean dm_store_check_readers(DmStore *store, GError **error);

typedef struct {
    GString *key;
    GString *record;
} DmStorePair;

/* A list of DmStorePair that owns them; free with g_array_unref(). */
GArray *dm_store_pairs_new(void);

typedef struct {
    GError *error; /* the first one; a caller that finds a record bad may set it */
    /* dm_store_*() only */
    DmStore *store;
    struct MDB_txn *snapshot; /* NULL: nothing read yet */
    guint generation;         /* of the store, at the snapshot */
    GArray *reads;
    GArray *changes;
} DmStoreTxn;

typedef enum {
    DM_STORE_DONE,
    DM_STORE_CONFLICT, /* nothing changed; begin again */
    DM_STORE_FAILED,
} DmStoreEnd;

/* Each batch that is begun must be ended. */
void dm_store_begin(DmStoreTxn *txn, DmStore *store);
DmStoreEnd dm_store_end(DmStoreTxn *txn, GError **error);

/* Takes `key`. A copy of the record, NULL if there is none. */
GString *dm_store_get(DmStoreTxn *txn, GString *key);

/* Up to `limit` pairs whose keys begin with `prefix`, in the order of their bytes; from the first key behind `after`
 * on, if that is not NULL. */
GArray *dm_store_scan(DmStoreTxn *txn, const GString *prefix, const GString *after, guint limit);

/* Both take what they are given. Deleting what is not there is no error. */
void dm_store_put(DmStoreTxn *txn, GString *key, GString *record);
void dm_store_delete(DmStoreTxn *txn, GString *key);

#endif
