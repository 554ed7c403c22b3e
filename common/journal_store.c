#include "common/journal_store.h"

#include "common/journal_upgrade.h"
#include "common/step.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME   "journal.lmdb"
#define LOCK_NAME   "journal.lock"
#define MAP_SIZE    ((gsize)1024 * 1024 * 1024)
#define READERS_MAX 16384 /* more than LMTP connections and tenants together */
#define KEY_MAX     511   /* LMDB's */
#define PART_MAX    128   /* of a part in a key that would be too long otherwise: four of them fit */

struct DmJournal {
    MDB_env *env;
    MDB_dbi dbi;
    int lock_fd;
    GRWLock resize; /* writers of the map size against transactions */
};

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

/* A reader must not make LMDB's lock file: the writer's user could not open it. Without one nobody writes. */
static unsigned int open_flags(const char *path, gboolean read_only)
{
    g_autofree char *lock = g_strconcat(path, "-lock", NULL);
    unsigned int flags = MDB_NOSUBDIR | MDB_NOTLS;

    if (!read_only)
        return flags;
    return flags | MDB_RDONLY | (access(lock, F_OK) == 0 ? 0U : MDB_NOLOCK);
}

static gboolean open_env(DmJournal *journal, const char *dir, gboolean read_only, GError **error)
{
    g_autofree char *path = g_build_filename(dir, FILE_NAME, NULL);

    int rc = mdb_env_create(&journal->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(journal->env, MAP_SIZE);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(journal->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(journal->env, path, open_flags(path, read_only), 0640);
    if (rc == 0)
        rc = open_dbi(journal, read_only);
    if (rc == 0)
        return TRUE;
    DmError code = rc == ENOENT ? DM_ERROR_NOINPUT : rc == EACCES ? DM_ERROR_NOPERM : DM_ERROR_CONFIG;
    g_set_error(error, DM_ERROR, code, "journal %s: %s; check state_dir and its owner", path, mdb_strerror(rc));
    return FALSE;
}

DmJournal *dm_journal_open(const char *dir, DmJournalMode mode, GError **error)
{
    gboolean read_only = mode == DM_JOURNAL_READ;
    g_autoptr(DmJournal) journal = g_new0(DmJournal, 1);

    g_rw_lock_init(&journal->resize);
    journal->lock_fd = -1;
    if (!read_only && (journal->lock_fd = take_lock(dir, error)) < 0)
        return NULL;
    if (!open_env(journal, dir, read_only, error) || (!read_only && !dm_journal_upgrade(journal, error)))
        return NULL;
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

static void append_part(GString *key, const char *part, gsize max)
{
    if (key->len > 0)
        g_string_append_c(key, '\0');
    if (strlen(part) <= max) {
        g_string_append(key, part);
        return;
    }
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, part, -1);
    g_string_append(key, hash);
}

GString *dm_journal_key(const char *const *parts)
{
    GString *key = g_string_new(NULL);

    for (const char *const *part = parts; *part != NULL; part++)
        append_part(key, *part, G_MAXSIZE);
    if (key->len <= KEY_MAX)
        return key;
    g_string_truncate(key, 0);
    for (const char *const *part = parts; *part != NULL; part++)
        append_part(key, *part, PART_MAX);
    return key;
}

const char *dm_journal_part(const GString *text, guint skip)
{
    const char *at = text->str;
    const char *end = text->str + text->len;

    for (; skip > 0 && at < end; skip--)
        at += strlen(at) + 1;
    return at <= end ? at : "";
}

GString *dm_journal_record(const char *version)
{
    return g_string_new(version);
}

void dm_journal_add_text(GString *record, const char *text, gsize max)
{
    g_string_append_c(record, '\0');
    if (text != NULL)
        g_string_append_len(record, text, (gssize)strnlen(text, max));
}

void dm_journal_add_number(GString *record, gint64 number)
{
    g_string_append_printf(record, "%c%" G_GINT64_FORMAT, '\0', number);
}

static gsize version_of(const GString *record, const DmJournalLayout *layout)
{
    for (gsize i = 0; i < layout->versions; i++) {
        char word[] = {(char)('1' + i), '\0'};
        if (strcmp(record->str, word) == 0)
            return i + 1;
    }
    return 0;
}

gboolean dm_journal_split(const GString *record, const DmJournalLayout *layout,
                          const char *fields[DM_JOURNAL_FIELDS_MAX], GError **error)
{
    const char *at = record->str;
    const char *end = record->str + record->len;
    gsize version = version_of(record, layout);
    gsize wanted = version > 0 ? layout->fields[version - 1] : 0;
    gsize found = 0;

    while (at <= end && found < wanted) {
        fields[found++] = at;
        at += strlen(at) + 1;
    }
    if (version > 0 && found == wanted && at == end + 1) {
        while (found < DM_JOURNAL_FIELDS_MAX)
            fields[found++] = "";
        return TRUE;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                "journal: a record of version %s can't be read; it was written by a newer program or is damaged",
                record->str);
    return FALSE;
}

gboolean dm_journal_number(const char *field, gint64 min, gint64 max, gint64 *number, GError **error)
{
    if (g_ascii_string_to_signed(field, 10, min, max, number, NULL))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "journal: a record holds \"%s\" in place of a number", field);
    return FALSE;
}

static void clear_pair(gpointer data)
{
    DmJournalPair *pair = data;

    g_string_free(pair->key, TRUE);
    g_string_free(pair->record, TRUE);
}

GArray *dm_journal_pairs_new(void)
{
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(DmJournalPair));

    g_array_set_clear_func(pairs, clear_pair);
    return pairs;
}

void dm_journal_pairs_add(GArray *pairs, GString *key, GString *record)
{
    const DmJournalPair pair = {key, record};

    g_array_append_val(pairs, pair);
}

static int write_once(DmJournal *journal, const GArray *pairs)
{
    MDB_txn *txn = NULL;

    g_rw_lock_reader_lock(&journal->resize);
    int rc = mdb_txn_begin(journal->env, NULL, 0, &txn);
    for (guint i = 0; rc == 0 && i < pairs->len; i++) {
        const DmJournalPair *pair = &g_array_index(pairs, DmJournalPair, i);
        MDB_val k = {pair->key->len, pair->key->str};
        MDB_val v = {pair->record->len, pair->record->str};
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

gboolean dm_journal_write(DmJournal *journal, const GArray *pairs, GError **error)
{
    dm_step("journal-write");

    int rc = write_once(journal, pairs);

    while (rc == MDB_MAP_FULL && grow(journal) == 0)
        rc = write_once(journal, pairs);
    dm_step("journal-written");
    return checked(rc, "can't be written", error);
}

/* The writer, another process, may have made the file larger than what was mapped. */
static int begin_reading(DmJournal *journal, MDB_txn **txn)
{
    int rc = mdb_txn_begin(journal->env, NULL, MDB_RDONLY, txn);

    if (rc != MDB_MAP_RESIZED)
        return rc;
    rc = mdb_env_set_mapsize(journal->env, 0);
    return rc == 0 ? mdb_txn_begin(journal->env, NULL, MDB_RDONLY, txn) : rc;
}

gboolean dm_journal_read(DmJournal *journal, GString *key, GString **record, GError **error)
{
    MDB_txn *txn = NULL;
    MDB_val k = {key->len, key->str};
    MDB_val v;

    *record = NULL;
    g_rw_lock_reader_lock(&journal->resize);
    int rc = begin_reading(journal, &txn);
    if (rc == 0) {
        rc = mdb_get(txn, journal->dbi, &k, &v);
        if (rc == 0)
            *record = g_string_new_len(v.mv_data, (gssize)v.mv_size);
        mdb_txn_abort(txn);
    }
    g_rw_lock_reader_unlock(&journal->resize);
    g_string_free(key, TRUE);
    return checked(rc == MDB_NOTFOUND ? 0 : rc, "can't be read", error);
}

static gboolean begins_with(const MDB_val *key, const GString *prefix)
{
    return key->mv_size >= prefix->len && memcmp(key->mv_data, prefix->str, prefix->len) == 0;
}

static int scan(MDB_cursor *cursor, const GString *prefix, const GString *after, guint limit, GArray *pairs)
{
    const GString *first = after != NULL ? after : prefix;
    MDB_val k = {first->len, first->str};
    MDB_val v;

    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == 0 && after != NULL && k.mv_size == after->len && memcmp(k.mv_data, after->str, after->len) == 0)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    for (; rc == 0 && limit > 0 && begins_with(&k, prefix); limit--) {
        dm_journal_pairs_add(pairs, g_string_new_len(k.mv_data, (gssize)k.mv_size),
                             g_string_new_len(v.mv_data, (gssize)v.mv_size));
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

gboolean dm_journal_scan(DmJournal *journal, const GString *prefix, const GString *after, guint limit, GArray *pairs,
                         GError **error)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;

    g_rw_lock_reader_lock(&journal->resize);
    int rc = begin_reading(journal, &txn);
    if (rc == 0) {
        rc = mdb_cursor_open(txn, journal->dbi, &cursor);
        if (rc == 0) {
            rc = scan(cursor, prefix, after, limit, pairs);
            mdb_cursor_close(cursor);
        }
        mdb_txn_abort(txn);
    }
    g_rw_lock_reader_unlock(&journal->resize);
    return checked(rc, "can't be read", error);
}
