/*
 * The LMDB environment of a store, kept usable, and the commits that batches share. For store*.c only.
 */
#ifndef DEMAIL_COMMON_STORE_ENV_H
#define DEMAIL_COMMON_STORE_ENV_H

#include "common/store.h"

#include <lmdb.h>

/* What recovers may be tried again so many times: as often as a map can double. */
#define DM_STORE_TRIES 40

struct DmStore {
    char *path;
    DmStoreMode mode;
    gsize size;
    GRWLock lock; /* readers: who has a transaction; writer: who changes what follows */
    MDB_env *env; /* NULL: broken; dm_store_recover() opens it again */
    MDB_dbi dbi;
    guint generation; /* counts the recoveries */

    GMutex queue_lock;  /* guards what follows */
    GPtrArray *waiting; /* batches that the next commit takes */
    gboolean committing;
};

/* Begins a transaction. 0: to be followed by commit or abort, and dm_store_leave(). *generation: for
 * dm_store_recover(). */
int dm_store_enter(DmStore *store, unsigned int flags, MDB_txn **txn, guint *generation);
void dm_store_leave(DmStore *store);

/* After `rc` of a transaction of that generation, which must be left: 0 if it may be tried again (the map has grown,
 * the environment is open again …), else why not. */
int dm_store_recover(DmStore *store, int rc, guint generation);

/* Makes an ended batch, durable on return, with all others that wait at the same time: they share a commit, and so its
 * syncs. *so: FALSE where what it has read is no longer so, and nothing was changed. 0 or an LMDB error; where the
 * commit itself fails, every batch in it gets that error. */
int dm_store_commit(DmStoreTxn *txn, gboolean *so);

/* In `writing`: checks that all that the batch has read is *so; if it is, makes its changes. */
int dm_store_make(const DmStoreTxn *txn, MDB_txn *writing, gboolean *so);

/* `what`: "can't be read" … */
void dm_store_set_error(const DmStore *store, int rc, const char *what, GError **error);

#endif
