#include "common/store_env.h"

/* A batch that waits for its commit; in the stack of its thread. */
typedef struct {
    DmStoreTxn *txn;
    GCond turn; /* it is done, or its thread is to commit for all that wait */
    gboolean done;
    gboolean so;
    int rc;
} Waiting;

static Waiting *at(const GPtrArray *group, guint i)
{
    return g_ptr_array_index(group, i);
}

/* The changes of those of the group that are so. */
static int make_all(MDB_txn *writing, const GPtrArray *group, gboolean *any)
{
    int rc = 0;

    *any = FALSE;
    for (guint i = 0; rc == 0 && i < group->len; i++) {
        rc = dm_store_make(at(group, i)->txn, writing, &at(group, i)->so);
        *any = *any || at(group, i)->so;
    }
    return rc;
}

/* *at_commit: the error is that of the commit, not of one batch. */
static int commit_once(DmStore *store, const GPtrArray *group, guint *generation, gboolean *at_commit)
{
    MDB_txn *writing = NULL;
    gboolean any = FALSE;

    *at_commit = FALSE;
    int rc = dm_store_enter(store, 0, &writing, generation);
    if (rc != 0)
        return rc;
    rc = make_all(writing, group, &any);
    if (rc == 0 && any) {
        *at_commit = TRUE;
        rc = mdb_txn_commit(writing);
    } else {
        mdb_txn_abort(writing);
    }
    dm_store_leave(store);
    return rc;
}

/* With the same result for all; again as often as something can be recovered. */
static int commit_group(DmStore *store, const GPtrArray *group, gboolean *at_commit)
{
    guint generation = 0;

    int rc = commit_once(store, group, &generation, at_commit);
    for (guint i = 0; rc != 0 && i < DM_STORE_TRIES; i++) {
        rc = dm_store_recover(store, rc, generation);
        if (rc != 0)
            break;
        rc = commit_once(store, group, &generation, at_commit);
    }
    for (guint i = 0; i < group->len; i++)
        at(group, i)->rc = rc;
    return rc;
}

static void commit_alone(DmStore *store, Waiting *waiting)
{
    g_autoptr(GPtrArray) group = g_ptr_array_new();
    gboolean at_commit = FALSE;

    g_ptr_array_add(group, waiting);
    commit_group(store, group, &at_commit);
}

/* What one batch does wrong must not be the others' error. */
static void commit_all(DmStore *store, const GPtrArray *group)
{
    gboolean at_commit = FALSE;

    if (commit_group(store, group, &at_commit) == 0 || at_commit || group->len == 1)
        return;
    for (guint i = 0; i < group->len; i++)
        commit_alone(store, at(group, i));
}

/* With the lock held, but not while it commits. */
static void lead(DmStore *store)
{
    g_autoptr(GPtrArray) group = store->waiting;

    store->waiting = g_ptr_array_new();
    store->committing = TRUE;
    g_mutex_unlock(&store->queue_lock);
    commit_all(store, group);
    g_mutex_lock(&store->queue_lock);
    store->committing = FALSE;
    for (guint i = 0; i < group->len; i++) {
        at(group, i)->done = TRUE;
        g_cond_signal(&at(group, i)->turn);
    }
    if (store->waiting->len > 0)
        g_cond_signal(&at(store->waiting, 0)->turn);
}

int dm_store_commit(DmStoreTxn *txn, gboolean *so)
{
    DmStore *store = txn->store;
    Waiting mine = {.txn = txn};

    g_cond_init(&mine.turn);
    g_mutex_lock(&store->queue_lock);
    g_ptr_array_add(store->waiting, &mine);
    while (!mine.done && store->committing)
        g_cond_wait(&mine.turn, &store->queue_lock);
    if (!mine.done)
        lead(store);
    g_mutex_unlock(&store->queue_lock);
    g_cond_clear(&mine.turn);
    *so = mine.so;
    return mine.rc;
}
