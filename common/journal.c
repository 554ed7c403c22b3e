#include "common/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One LMDB file, DIR/journal.lmdb. Keys are texts with NUL between the parts, values are fields separated by NUL:
 *     "s" <gateway id> <recipient, lower case> -> "1" <state> <time> <tenant> <queue id> <provider id> <code> <detail>
 *     "r" <tenant> <provider's message id>     -> "1" <state> <time> <type> <private id>
 *     "i" <tenant> <provider's message id> <e-mail address, lower case> -> "1" <time>
 * The leading "1" is the version of the record. Keys are at most 511 bytes; a longer one is replaced by its SHA-256.
 */

#define FILE_NAME      "journal.lmdb"
#define LOCK_NAME      "journal.lock"
#define RECORD_VERSION "1"
#define MAP_SIZE       ((gsize)1024 * 1024 * 1024)
#define READERS_MAX    16384 /* more than LMTP connections and tenants together */
#define KEY_MAX        511
#define FIELDS_MAX     8
#define TEXT_MAX       1024

struct DmJournal {
    MDB_env *env;
    MDB_dbi dbi;
    int lock_fd;
    GRWLock resize; /* writers of the map size against transactions */
};

void dm_sent_clear(DmSent *sent)
{
    g_clear_pointer(&sent->tenant, g_free);
    g_clear_pointer(&sent->queue_id, g_free);
    g_clear_pointer(&sent->provider_id, g_free);
    g_clear_pointer(&sent->code, g_free);
    g_clear_pointer(&sent->detail, g_free);
}

void dm_received_clear(DmReceived *received)
{
    g_clear_pointer(&received->type, g_free);
    g_clear_pointer(&received->private_id, g_free);
}

static gboolean checked(int rc, const char *what, GError **error)
{
    if (rc == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "journal: %s: %s", what, mdb_strerror(rc));
    return FALSE;
}

static int take_lock(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, LOCK_NAME, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0) {
        g_set_error(error, DM_ERROR, errno == ENOENT ? DM_ERROR_NOINPUT : DM_ERROR_NOPERM,
                    "state_dir %s: %s; make the folder and give it to the program's user", dir, g_strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "state_dir %s: another process has the journal; stop it or choose another state_dir", dir);
        close(fd);
        return -1;
    }
    return fd;
}

static int open_dbi(DmJournal *journal, gboolean read_only)
{
    MDB_txn *txn = NULL;

    int rc = mdb_txn_begin(journal->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &journal->dbi);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

DmJournal *dm_journal_open(const char *dir, gboolean read_only, GError **error)
{
    g_autofree char *path = g_build_filename(dir, FILE_NAME, NULL);
    g_autoptr(DmJournal) journal = g_new0(DmJournal, 1);

    g_rw_lock_init(&journal->resize);
    journal->lock_fd = -1;
    if (!read_only && (journal->lock_fd = take_lock(dir, error)) < 0)
        return NULL;
    int rc = mdb_env_create(&journal->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(journal->env, MAP_SIZE);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(journal->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(journal->env, path, MDB_NOSUBDIR | MDB_NOTLS | (read_only ? MDB_RDONLY : 0U), 0640);
    if (rc == 0)
        rc = open_dbi(journal, read_only);
    if (rc != 0) {
        DmError code = rc == ENOENT ? DM_ERROR_NOINPUT : rc == EACCES ? DM_ERROR_NOPERM : DM_ERROR_CONFIG;
        g_set_error(error, DM_ERROR, code, "journal %s: %s; check state_dir and its owner", path, mdb_strerror(rc));
        return NULL;
    }
    return g_steal_pointer(&journal);
}

void dm_journal_close(DmJournal *journal)
{
    if (journal == NULL)
        return;
    if (journal->env != NULL)
        mdb_env_close(journal->env);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    g_rw_lock_clear(&journal->resize);
    g_free(journal);
}

static void append_text(GString *out, const char *text)
{
    g_string_append_c(out, '\0');
    if (text != NULL)
        g_string_append_len(out, text, (gssize)strnlen(text, TEXT_MAX));
}

/* `third` may be NULL. */
static GString *make_key(const char *kind, const char *first, const char *second, const char *third)
{
    GString *key = g_string_new(kind);

    g_string_append_c(key, '\0');
    g_string_append(key, first);
    g_string_append_c(key, '\0');
    g_string_append(key, second);
    if (third != NULL) {
        g_string_append_c(key, '\0');
        g_string_append(key, third);
    }
    if (key->len > KEY_MAX) {
        g_autofree char *hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)key->str, key->len);
        g_string_assign(key, kind);
        g_string_append_c(key, '\0');
        g_string_append(key, hash);
    }
    return key;
}

static GString *sent_key(const char *gateway_id, const char *recipient)
{
    g_autofree char *folded = g_ascii_strdown(recipient, -1);

    return make_key("s", gateway_id, folded, NULL);
}

static GString *sent_record(const DmSent *sent)
{
    GString *record = g_string_new(RECORD_VERSION);

    g_string_append_printf(record, "%c%d%c%" G_GINT64_FORMAT, '\0', (int)sent->state, '\0', sent->time);
    append_text(record, sent->tenant);
    append_text(record, sent->queue_id);
    append_text(record, sent->provider_id);
    append_text(record, sent->code);
    append_text(record, sent->detail);
    return record;
}

static GString *received_record(const DmReceived *received)
{
    GString *record = g_string_new(RECORD_VERSION);

    g_string_append_printf(record, "%c%d%c%" G_GINT64_FORMAT, '\0', (int)received->state, '\0', received->time);
    append_text(record, received->type);
    append_text(record, received->private_id);
    return record;
}

typedef struct {
    GString *key;
    GString *record;
} Put;

static void clear_put(gpointer data)
{
    Put *put = data;

    g_string_free(put->key, TRUE);
    g_string_free(put->record, TRUE);
}

static int put_once(DmJournal *journal, const GArray *puts)
{
    MDB_txn *txn = NULL;

    g_rw_lock_reader_lock(&journal->resize);
    int rc = mdb_txn_begin(journal->env, NULL, 0, &txn);
    for (guint i = 0; rc == 0 && i < puts->len; i++) {
        const Put *put = &g_array_index(puts, Put, i);
        MDB_val k = {put->key->len, put->key->str};
        MDB_val v = {put->record->len, put->record->str};
        rc = mdb_put(txn, journal->dbi, &k, &v, 0);
    }
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else if (txn != NULL)
        mdb_txn_abort(txn);
    g_rw_lock_reader_unlock(&journal->resize);
    return rc;
}

static int grow(DmJournal *journal)
{
    MDB_envinfo info;

    g_rw_lock_writer_lock(&journal->resize);
    int rc = mdb_env_info(journal->env, &info);
    if (rc == 0)
        rc = mdb_env_set_mapsize(journal->env, info.me_mapsize * 2);
    g_rw_lock_writer_unlock(&journal->resize);
    return rc;
}

static gboolean put_all(DmJournal *journal, const GArray *puts, GError **error)
{
    int rc = put_once(journal, puts);

    while (rc == MDB_MAP_FULL && grow(journal) == 0)
        rc = put_once(journal, puts);
    return checked(rc, "can't be written", error);
}

/* Copies a record, or *record = NULL. */
static gboolean get_one(DmJournal *journal, const GString *key, GString **record, GError **error)
{
    MDB_txn *txn = NULL;
    MDB_val k = {key->len, key->str};
    MDB_val v;

    *record = NULL;
    g_rw_lock_reader_lock(&journal->resize);
    int rc = mdb_txn_begin(journal->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        rc = mdb_get(txn, journal->dbi, &k, &v);
        if (rc == 0)
            *record = g_string_new_len(v.mv_data, (gssize)v.mv_size);
        mdb_txn_abort(txn);
    }
    g_rw_lock_reader_unlock(&journal->resize);
    return checked(rc == MDB_NOTFOUND ? 0 : rc, "can't be read", error);
}

/* Cuts a record into exactly `n` fields. They point into `record`, whose GString ends with a NUL of its own. */
static gboolean split_record(const GString *record, const char **fields, gsize n, GError **error)
{
    const char *at = record->str;
    const char *end = record->str + record->len;
    gsize found = 0;

    while (at <= end && found < n) {
        fields[found++] = at;
        at += strlen(at) + 1;
    }
    if (found == n && at == end + 1 && strcmp(fields[0], RECORD_VERSION) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                "journal: a record of version %s can't be read; it was written by a newer program or is damaged",
                found > 0 ? fields[0] : "(none)");
    return FALSE;
}

/* A record that begins with version, state and time, cut into `n` fields. They point into *record, which is NULL if there
 * is no such key; the caller's to free in any case. Consumes `key`. */
static gboolean get_state(DmJournal *journal, GString *key, gint64 last_state, gsize n, GString **record,
                          const char **fields, gint64 *state, gint64 *time, GError **error)
{
    gboolean good = get_one(journal, key, record, error);

    g_string_free(key, TRUE);
    if (*record == NULL)
        return good;
    return split_record(*record, fields, n, error) &&
           g_ascii_string_to_signed(fields[1], 10, 1, last_state, state, error) &&
           g_ascii_string_to_signed(fields[2], 10, 0, G_MAXINT64, time, error);
}

gboolean dm_journal_get_sent(DmJournal *journal, const char *gateway_id, const char *recipient, DmSent *sent,
                             gboolean *found, GError **error)
{
    g_autoptr(GString) record = NULL;
    const char *fields[FIELDS_MAX];
    gint64 state = 0;

    *sent = (DmSent){0};
    gboolean good = get_state(journal, sent_key(gateway_id, recipient), DM_SENT_DEFERRED, 8, &record, fields, &state,
                              &sent->time, error);
    *found = record != NULL;
    if (good && *found) {
        sent->state = (DmSentState)state;
        sent->tenant = g_strdup(fields[3]);
        sent->queue_id = g_strdup(fields[4]);
        sent->provider_id = g_strdup(fields[5]);
        sent->code = g_strdup(fields[6]);
        sent->detail = g_strdup(fields[7]);
    }
    return good;
}

gboolean dm_journal_put_sent(DmJournal *journal, const char *gateway_id, char *const *recipients, const DmSent *sent,
                             gsize n, GError **error)
{
    g_autoptr(GArray) puts = g_array_new(FALSE, FALSE, sizeof(Put));

    g_array_set_clear_func(puts, clear_put);
    for (gsize i = 0; i < n; i++) {
        Put put = {sent_key(gateway_id, recipients[i]), sent_record(&sent[i])};
        g_array_append_val(puts, put);
    }
    return put_all(journal, puts, error);
}

gboolean dm_journal_get_received(DmJournal *journal, const char *tenant, const char *provider_id, DmReceived *received,
                                 gboolean *found, GError **error)
{
    g_autoptr(GString) record = NULL;
    const char *fields[FIELDS_MAX];
    gint64 state = 0;

    *received = (DmReceived){0};
    gboolean good = get_state(journal, make_key("r", tenant, provider_id, NULL), DM_RECEIVED_ACKNOWLEDGED, 5, &record,
                              fields, &state, &received->time, error);
    *found = record != NULL;
    if (good && *found) {
        received->state = (DmReceivedState)state;
        received->type = g_strdup(fields[3]);
        received->private_id = g_strdup(fields[4]);
    }
    return good;
}

gboolean dm_journal_put_received(DmJournal *journal, const char *tenant, const char *provider_id,
                                 const DmReceived *received, GError **error)
{
    g_autoptr(GArray) puts = g_array_new(FALSE, FALSE, sizeof(Put));
    Put put = {make_key("r", tenant, provider_id, NULL), received_record(received)};

    g_array_set_clear_func(puts, clear_put);
    g_array_append_val(puts, put);
    return put_all(journal, puts, error);
}

static GString *injected_key(const char *tenant, const char *provider_id, const char *address)
{
    g_autofree char *folded = g_ascii_strdown(address, -1);

    return make_key("i", tenant, provider_id, folded);
}

gboolean dm_journal_get_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gboolean *injected, GError **error)
{
    GString *key = injected_key(tenant, provider_id, address);
    g_autoptr(GString) record = NULL;
    const char *fields[FIELDS_MAX];

    gboolean good = get_one(journal, key, &record, error);
    g_string_free(key, TRUE);
    *injected = record != NULL;
    return good && (record == NULL || split_record(record, fields, 2, error));
}

gboolean dm_journal_put_injected(DmJournal *journal, const char *tenant, const char *provider_id, const char *address,
                                 gint64 time, GError **error)
{
    g_autoptr(GArray) puts = g_array_new(FALSE, FALSE, sizeof(Put));
    Put put = {injected_key(tenant, provider_id, address), g_string_new(RECORD_VERSION)};

    g_string_append_printf(put.record, "%c%" G_GINT64_FORMAT, '\0', time);
    g_array_set_clear_func(puts, clear_put);
    g_array_append_val(puts, put);
    return put_all(journal, puts, error);
}
