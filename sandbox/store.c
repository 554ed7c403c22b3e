#include "sandbox/store.h"

#include "common/address.h"
#include "common/log.h"
#include "common/stamp.h"
#include "sandbox/event_log.h"
#include "sandbox/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define SECONDS_PER_DAY 86400

typedef struct {
    gint64 day; /* since the epoch */
    gint64 count;
} DayCount;

struct DmStore {
    char *data_dir;
    GMutex lock;
    GCond changed; /* new messages, or the end */
    gboolean stopped;
    DmEventLog *log;
    DmFolders *folders;
    DmKeys *keys;
    GHashTable *accepted; /* address key -> count */
    GHashTable *days;     /* account -> DayCount * */
    gint64 repeated;
    gint64 last_seq;
};

static gint64 now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static void count_accepted(DmStore *store, const char *account, gint64 time, const GPtrArray *results)
{
    DayCount *day = g_hash_table_lookup(store->days, account);
    if (!day) {
        day = g_new0(DayCount, 1);
        g_hash_table_insert(store->days, g_strdup(account), day);
    }
    if (day->day != time / SECONDS_PER_DAY)
        *day = (DayCount){.day = time / SECONDS_PER_DAY};
    for (guint i = 0; i < results->len; i++) {
        const DmRecipientResult *result = g_ptr_array_index(results, i);
        if (result->status != DM_STATUS_ACCEPTED)
            continue;
        char *address = dm_address_key(result->address);
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(store->accepted, address));
        g_hash_table_insert(store->accepted, address, GUINT_TO_POINTER(count + 1));
        day->count++;
    }
}

static void add_message(DmStore *store, DmMessage *message)
{
    store->last_seq = MAX(store->last_seq, message->seq);
    dm_folders_add(store->folders, message);
}

static gboolean replay_submission(DmStore *store, const json_t *event)
{
    g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func(dm_recipient_result_free);
    const json_t *list = json_object_get(event, "results");
    for (gsize i = 0; i < json_array_size(list); i++) {
        DmRecipientResult *result = dm_recipient_result_from_json(json_array_get(list, i));
        if (!result)
            return FALSE;
        g_ptr_array_add(results, result);
    }
    const char *account = dm_json_text(event, "account", "");
    dm_keys_record(store->keys, account, dm_json_text(event, "key", ""), dm_json_text(event, "id", ""),
                   dm_json_text(event, "message_id", ""), results);
    store->repeated += json_integer_value(json_object_get(event, "repeated"));
    count_accepted(store, account, json_integer_value(json_object_get(event, "time")), results);
    return TRUE;
}

static gboolean replay_commit(DmStore *store, const json_t *event)
{
    if (json_object_get(event, "key") && !replay_submission(store, event))
        return FALSE;
    const json_t *list = json_object_get(event, "confirmed");
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        DmMessage *message = id ? dm_folders_find(store->folders, id) : NULL;
        if (!message)
            return FALSE;
        dm_folders_set_confirmed(store->folders, message);
    }
    list = json_object_get(event, "messages");
    for (gsize i = 0; i < json_array_size(list); i++) {
        DmMessage *message = dm_message_from_json(json_array_get(list, i));
        if (!message)
            return FALSE;
        add_message(store, message);
    }
    return TRUE;
}

static gboolean replay(const json_t *event, gpointer data)
{
    DmStore *store = data;
    const char *kind = dm_json_text(event, "event", "");
    if (g_str_equal(kind, "commit"))
        return replay_commit(store, event);
    DmMessage *message = dm_folders_find(store->folders, dm_json_text(event, "id", ""));
    if (!g_str_equal(kind, "ack") || !message)
        return FALSE;
    dm_folders_set_retrieved(store->folders, message);
    return TRUE;
}

static gboolean remove_unused_files(DmStore *store, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(store->data_dir, 0, error);
    if (!dir)
        return FALSE;
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        if (!dm_folders_uses_file(store->folders, name))
            dm_store_discard_file(store, name);
    }
    return TRUE;
}

DmStore *dm_store_open(const char *dir, GError **error)
{
    g_autoptr(DmStore) store = g_new0(DmStore, 1);
    g_mutex_init(&store->lock);
    g_cond_init(&store->changed);
    store->data_dir = g_build_filename(dir, "data", NULL);
    store->folders = dm_folders_new();
    store->keys = dm_keys_new();
    store->accepted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    store->days = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (g_mkdir_with_parents(store->data_dir, 0700) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "--state %s: %s; name a directory that can be written", dir,
                    g_strerror(errno));
        return NULL;
    }
    g_autofree char *log_file = g_build_filename(dir, "events.log", NULL);
    store->log = dm_event_log_open(log_file, replay, store, error);
    if (!store->log || !remove_unused_files(store, error))
        return NULL;
    return g_steal_pointer(&store);
}

void dm_store_close(DmStore *store)
{
    if (!store)
        return;
    dm_event_log_close(store->log);
    dm_keys_free(store->keys);
    dm_folders_free(store->folders);
    g_hash_table_unref(store->accepted);
    g_hash_table_unref(store->days);
    g_free(store->data_dir);
    g_cond_clear(&store->changed);
    g_mutex_clear(&store->lock);
    g_free(store);
}

void dm_store_stop(DmStore *store)
{
    g_mutex_lock(&store->lock);
    store->stopped = TRUE;
    g_cond_broadcast(&store->changed);
    g_mutex_unlock(&store->lock);
}

const char *dm_store_data_dir(const DmStore *store)
{
    return store->data_dir;
}

int dm_store_create_file(DmStore *store, char **name, GError **error)
{
    g_autofree char *id = dm_stamp_new_id(error);
    if (!id)
        return -1;
    g_autofree char *path = g_build_filename(store->data_dir, id, NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check the state directory", path, g_strerror(errno));
        return -1;
    }
    *name = g_steal_pointer(&id);
    return fd;
}

void dm_store_discard_file(DmStore *store, const char *name)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    if (dm_folders_uses_file(store->folders, name))
        return;
    g_autofree char *path = g_build_filename(store->data_dir, name, NULL);
    if (g_unlink(path) != 0)
        dm_log(DM_LOG_WARNING, "unlink", DM_S("file", path), DM_S("detail", g_strerror(errno)));
}

gboolean dm_store_claim(DmStore *store, const char *account, const char *key)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_keys_claim(store->keys, account, key);
}

void dm_store_set_running(DmStore *store, const char *account, const char *key, char *const *recipients)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    dm_keys_set_running(store->keys, account, key, recipients);
}

void dm_store_release(DmStore *store, const char *account, const char *key)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    dm_keys_release(store->keys, account, key);
}

DmRecipientResult *dm_store_final(DmStore *store, const char *account, const char *key, const char *recipient)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_keys_final(store->keys, account, key, recipient);
}

void dm_store_ids(DmStore *store, const char *account, const char *key, char **id, char **message_id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    dm_keys_ids(store->keys, account, key, id, message_id);
}

json_t *dm_store_key_status(DmStore *store, const char *account, const char *key)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_keys_status(store->keys, account, key);
}

/* Makes the names of new files durable. */
static gboolean sync_data_dir(const DmStore *store, GError **error)
{
    int fd = open(store->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check the state directory", store->data_dir,
                    g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return synced;
}

static json_t *commit_event(DmStore *store, const DmCommit *commit, gint64 time)
{
    json_t *results = json_array();
    for (guint i = 0; commit->key && i < commit->results->len; i++)
        json_array_append_new(results, dm_recipient_result_to_json(g_ptr_array_index(commit->results, i)));
    json_t *confirmed = json_array();
    for (guint i = 0; commit->confirmed && i < commit->confirmed->len; i++)
        json_array_append_new(confirmed, json_string(((DmMessage *)g_ptr_array_index(commit->confirmed, i))->id));
    json_t *messages = json_array();
    for (guint i = 0; i < commit->messages->len; i++) {
        DmMessage *message = g_ptr_array_index(commit->messages, i);
        message->seq = store->last_seq + 1 + (gint64)i;
        json_array_append_new(messages, dm_message_to_json(message));
    }
    return json_pack("{s:s, s:I, s:s*, s:s*, s:s*, s:s*, s:o, s:I, s:o, s:o}", "event", "commit", "time",
                     (json_int_t)time, "account", commit->account, "key", commit->key, "id", commit->id, "message_id",
                     commit->message_id, "results", results, "repeated", (json_int_t)commit->repeated, "messages",
                     messages, "confirmed", confirmed);
}

gboolean dm_store_commit(DmStore *store, DmCommit *commit, GError **error)
{
    if (commit->messages->len > 0 && !sync_data_dir(store, error))
        return FALSE;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    gint64 time = now();
    g_autoptr(json_t) event = commit_event(store, commit, time);
    if (!dm_event_log_append(store->log, event, error))
        return FALSE;

    if (commit->key) {
        dm_keys_record(store->keys, commit->account, commit->key, commit->id, commit->message_id, commit->results);
        store->repeated += commit->repeated;
        count_accepted(store, commit->account, time, commit->results);
    }
    for (guint i = 0; commit->confirmed && i < commit->confirmed->len; i++)
        dm_folders_set_confirmed(store->folders, g_ptr_array_index(commit->confirmed, i));
    while (commit->messages->len > 0)
        add_message(store, g_ptr_array_steal_index(commit->messages, 0));
    g_cond_broadcast(&store->changed);
    return TRUE;
}

const DmMessage *dm_store_find(DmStore *store, const char *account, const char *id)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    const DmMessage *message = dm_folders_find(store->folders, id);
    return message && (!account || g_str_equal(message->account, account)) ? message : NULL;
}

json_t *dm_store_list(DmStore *store, const char *account, DmFolder folder, gboolean only_new, gint64 after,
                      guint limit, guint wait_seconds, gint64 *next)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)wait_seconds * G_USEC_PER_SEC;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    gboolean more;
    g_autoptr(GPtrArray) list = dm_folders_list(store->folders, account, folder, only_new, after, limit, &more);
    while (list->len == 0 && wait_seconds > 0 && !store->stopped &&
           g_cond_wait_until(&store->changed, &store->lock, deadline)) {
        g_ptr_array_unref(list);
        list = dm_folders_list(store->folders, account, folder, only_new, after, limit, &more);
    }
    json_t *entries = json_array();
    *next = 0;
    for (guint i = 0; i < list->len; i++) {
        const DmMessage *message = g_ptr_array_index(list, i);
        json_array_append_new(entries, dm_message_entry(message));
        if (more)
            *next = message->seq;
    }
    return entries;
}

json_t *dm_store_entry(DmStore *store, const DmMessage *message)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_message_entry(message);
}

gboolean dm_store_ack(DmStore *store, const DmMessage *message, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    if (message->retrieved)
        return TRUE;
    g_autoptr(json_t) event = json_pack("{s:s, s:s}", "event", "ack", "id", message->id);
    if (!dm_event_log_append(store->log, event, error))
        return FALSE;
    dm_folders_set_retrieved(store->folders, dm_folders_find(store->folders, message->id));
    return TRUE;
}

GPtrArray *dm_store_awaiting(DmStore *store, const char *account)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_folders_awaiting(store->folders, account);
}

gint64 dm_store_used(DmStore *store, const char *account)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return dm_folders_used(store->folders, account);
}

gint64 dm_store_sent_today(DmStore *store, const char *account)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    const DayCount *day = g_hash_table_lookup(store->days, account);
    return day && day->day == now() / SECONDS_PER_DAY ? day->count : 0;
}

json_t *dm_store_submissions(DmStore *store)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    json_t *counts = json_object();
    GHashTableIter iter;
    gpointer address;
    gpointer count;
    g_hash_table_iter_init(&iter, store->accepted);
    while (g_hash_table_iter_next(&iter, &address, &count))
        json_object_set_new(counts, address, json_integer(GPOINTER_TO_UINT(count)));
    return counts;
}

gint64 dm_store_repeated(DmStore *store)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
    return store->repeated;
}
