#include "common/journal_store.h"
#include "common/journal_upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME "journal.lmdb"
#define LOCK_NAME "journal.lock"
#define MAP_SIZE  ((gsize)1024 * 1024 * 1024) /* of addresses, not of the disk */

static gboolean set_lock_error(const char *dir, int reason, GError **error)
{
    DmError code = reason == ENOENT || reason == ENOTDIR                    ? DM_ERROR_NOINPUT
                   : reason == EACCES || reason == EPERM || reason == EROFS ? DM_ERROR_NOPERM
                                                                            : DM_ERROR_TEMPORARY;
    const char *advice = code == DM_ERROR_TEMPORARY ? "" : "; make the folder and give it to the program's user";

    g_set_error(error, DM_ERROR, code, "state_dir %s: %s%s", dir, g_strerror(reason), advice);
    return FALSE;
}

static gboolean take_lock(DmJournal *journal, const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, LOCK_NAME, NULL);

    journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->lock_fd < 0)
        return set_lock_error(dir, errno, error);
    if (flock(journal->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno != EWOULDBLOCK)
        return set_lock_error(dir, errno, error);
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                "state_dir %s: another process has the journal; stop it or choose another state_dir", dir);
    return FALSE;
}

static gboolean open_store(DmJournal *journal, const char *dir, DmJournalMode mode, GError **error)
{
    static const DmStoreMode modes[] = {
        [DM_JOURNAL_READ] = DM_STORE_READ, [DM_JOURNAL_OWN] = DM_STORE_OWN, [DM_JOURNAL_AMEND] = DM_STORE_AMEND};
    g_autofree char *path = g_build_filename(dir, FILE_NAME, NULL);

    journal->store = dm_store_open(path, modes[mode], MAP_SIZE, error);
    return journal->store != NULL && dm_journal_read_format(journal, error);
}

static gboolean check_format(const DmJournal *journal, const char *dir, DmJournalMode mode, GError **error)
{
    if (journal->format > DM_JOURNAL_FORMAT) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "state_dir %s: the journal has format %" G_GINT64_FORMAT ", this program knows up to %d; install "
                    "the program that wrote it, or restore the copy made before that was installed",
                    dir, journal->format, DM_JOURNAL_FORMAT);
        return FALSE;
    }
    if (mode == DM_JOURNAL_AMEND && journal->format < DM_JOURNAL_FORMAT) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "state_dir %s: the journal has the older format %" G_GINT64_FORMAT
                    "; start the poller of this version, which brings it up to date",
                    dir, journal->format);
        return FALSE;
    }
    return TRUE;
}

DmJournal *dm_journal_open(const char *dir, DmJournalMode mode, GError **error)
{
    g_autoptr(DmJournal) journal = g_new0(DmJournal, 1);

    journal->lock_fd = -1;
    if ((mode == DM_JOURNAL_OWN && !take_lock(journal, dir, error)) || !open_store(journal, dir, mode, error) ||
        !check_format(journal, dir, mode, error) || (mode == DM_JOURNAL_OWN && !dm_journal_upgrade(journal, error)))
        return NULL;
    return g_steal_pointer(&journal);
}

void dm_journal_close(DmJournal *journal)
{
    if (journal == NULL)
        return;
    dm_store_close(journal->store);
    if (journal->lock_fd >= 0)
        close(journal->lock_fd);
    g_free(journal);
}
