/*
 * The durable state of the sandbox: messages in folders, results under idempotency keys, what has been retrieved.
 *
 * A commit is one event of the log: after a crash there is all of it or nothing. All functions may be called from any
 * thread. Messages live as long as the store; all their members but `retrieved` are constant.
 */
#ifndef DEMAIL_SANDBOX_STORE_H
#define DEMAIL_SANDBOX_STORE_H

#include "sandbox/keys.h"
#include "sandbox/message.h"

#include <glib.h>

typedef struct DmStore DmStore;

/* Opens or makes the state directory. Data files that no message uses (left by a crash) are removed. */
DmStore *dm_store_open(const char *dir, GError **error);
void dm_store_close(DmStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmStore, dm_store_close)

/* Ends all waiting, now and from now on. */
void dm_store_stop(DmStore *store);

/* The directory of data files. */
const char *dm_store_data_dir(const DmStore *store);

/* A new data file that is to be written: its descriptor, or -1, and its name (free with g_free()). */
int dm_store_create_file(DmStore *store, char **name, GError **error);

/* Removes a data file unless a message uses it. */
void dm_store_discard_file(DmStore *store, const char *name);

/* Idempotency keys; see keys.h. */
gboolean dm_store_claim(DmStore *store, const char *account, const char *key);
void dm_store_set_running(DmStore *store, const char *account, const char *key, char *const *recipients);
void dm_store_release(DmStore *store, const char *account, const char *key);
DmRecipientResult *dm_store_final(DmStore *store, const char *account, const char *key, const char *recipient);
void dm_store_ids(DmStore *store, const char *account, const char *key, char **id, char **message_id);
json_t *dm_store_key_status(DmStore *store, const char *account, const char *key);

typedef struct {
    const char *account;
    const char *key; /* NULL: no submission, nothing but messages and logins */
    const char *id;
    const char *message_id;
    const GPtrArray *results;   /* of DmRecipientResult *: only those that are new */
    guint repeated;             /* recipients that were final before and have been submitted again */
    GPtrArray *messages;        /* of DmMessage *; taken over, the array is empty afterwards */
    const GPtrArray *confirmed; /* of DmMessage *: those that await a login no longer; NULL: none */
} DmCommit;

/* Makes results and messages durable (the messages' files must be synced) and then visible. On failure the messages
 * stay in the array. */
gboolean dm_store_commit(DmStore *store, DmCommit *commit, GError **error);

/* The message, if it belongs to the account (NULL: to any). */
const DmMessage *dm_store_find(DmStore *store, const char *account, const char *id);

/* Entries of a folder as JSON, oldest first, after the sequence number `after`. Waits up to `wait_seconds` for a first
 * one. `*next` is the number to go on after, 0 at the end. */
json_t *dm_store_list(DmStore *store, const char *account, DmFolder folder, gboolean only_new, gint64 after,
                      guint limit, guint wait_seconds, gint64 *next);

/* The entry of one message. */
json_t *dm_store_entry(DmStore *store, const DmMessage *message);

/* Marks it as retrieved; again is no error. */
gboolean dm_store_ack(DmStore *store, const DmMessage *message, GError **error);

/* Messages of the account (const DmMessage *) that await a login, oldest first. Free with g_ptr_array_unref(). */
GPtrArray *dm_store_awaiting(DmStore *store, const char *account);

/* Bytes in the account's mailbox; recipients that were accepted for the account in the running day (UTC). */
gint64 dm_store_used(DmStore *store, const char *account);
gint64 dm_store_sent_today(DmStore *store, const char *account);

/* How often each address was accepted as a recipient: {address: count}. */
json_t *dm_store_submissions(DmStore *store);

/* How often a recipient was submitted again under a key under which it was final. */
gint64 dm_store_repeated(DmStore *store);

#endif
