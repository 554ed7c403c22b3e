/*
 * The journal's own speed: De-Mails written as deliveries write them (looked up, submitting, accepted), by threads at
 * the same time, and how often that made the disk sync.
 *
 * usage: bench_journal write DIR THREADS COUNT FIRST  COUNT De-Mails by THREADS at once into the journal in DIR; the
 *                                                     first has the number FIRST, for no two must be the same
 *        bench_journal fill DIR COUNT                 COUNT De-Mails, one after another, in ten equal parts
 *        bench_journal disk DIR COUNT PAGES MIB       what the disk does itself: COUNT times PAGES writes of 4 KiB
 *                                                     within so many MiB, in no order, and a sync
 * Prints: write  seconds, syncs, synchronous writes (LMDB writes its meta page so)
 *         fill   for each part a line: seconds, bytes written
 *         disk   seconds
 * Exit: 0, 64 usage, 70 if something did not work.
 */
#include "common/demail.h"
#include "common/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

#define PARTS      10U
#define BLOCK      4096
#define STEP       2654435761U /* a prime: multiples of it visit all places, in no order */
#define MIB_MAX    4096U
#define MIB        1048576
#define COUNT_MAX  10000000U
#define THREAD_MAX 1024U

static gint syncs;
static gint synchronous_writes;
static gsize written; /* bytes; for one thread only */

/* In place of the C library's, for LMDB: they count. */
int fdatasync(int fd)
{
    g_atomic_int_inc(&syncs);
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    g_atomic_int_inc(&syncs);
    return (int)syscall(SYS_fsync, fd);
}

int msync(void *address, size_t length, int flags)
{
    g_atomic_int_inc(&syncs);
    return (int)syscall(SYS_msync, address, length, flags);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
        g_atomic_int_inc(&synchronous_writes);
    written += size;
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++)
        written += parts[i].iov_len;
    return syscall(SYS_writev, fd, parts, count);
}

typedef struct {
    DmJournal *journal;
    guint first;
    guint count;
} Work;

/* What poller/submit.c writes about a De-Mail to one recipient. */
static gboolean deliver(DmJournal *journal, guint number, GError **error)
{
    g_autofree char *spread = g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)&number, sizeof number);
    g_autofree char *gateway_id = g_strdup_printf("%012x%.20s", number, spread); /* as dm_stamp_new_id() makes them */
    g_autofree char *queue_id = g_strdup_printf("4XyZ%08X", number);
    g_autofree char *message_id = g_strdup_printf("<%s@gemeinde.example>", spread);
    g_autofree char *provider_id = g_strdup_printf("%s@anbieter.example", spread);
    char *recipients[] = {(char *)"erika.mustermann@muster.de-mail.de"};
    const gint64 now = 1793000000 + number / 100;
    const DmSentMessage message = {gateway_id,
                                   now,
                                   (char *)"gemeinde",
                                   queue_id,
                                   (char *)"max@gemeinde.example",
                                   (char *)"max@gemeinde.de-mail.de",
                                   message_id,
                                   gateway_id,
                                   0,
                                   (char *)""};
    DmSent before = {0};
    DmSent sent = {DM_SENT_SUBMITTING, now, (char *)"gemeinde", queue_id, (char *)"", (char *)"", (char *)""};
    gboolean found = FALSE;

    if (!dm_journal_get_sent(journal, gateway_id, recipients[0], &before, &found, error))
        return FALSE;
    dm_sent_clear(&before);
    if (!dm_journal_put_sent(journal, gateway_id, &message, recipients, &sent, 1, error))
        return FALSE;
    sent.state = DM_SENT_ACCEPTED;
    sent.provider_id = provider_id;
    return dm_journal_put_sent(journal, gateway_id, NULL, recipients, &sent, 1, error);
}

/* NULL, or an error. */
static gpointer deliver_some(gpointer data)
{
    const Work *work = data;
    GError *error = NULL;

    for (guint i = 0; i < work->count; i++) {
        if (!deliver(work->journal, work->first + i, &error))
            return error;
    }
    return NULL;
}

static double seconds_since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

static gboolean write_all(const char *dir, guint n_threads, guint count, guint first, GError **error)
{
    g_autoptr(DmJournal) journal = dm_journal_open(dir, DM_JOURNAL_OWN, error);
    g_autofree GThread **threads = g_new0(GThread *, n_threads);
    g_autofree Work *work = g_new0(Work, n_threads);

    if (journal == NULL)
        return FALSE;
    g_atomic_int_set(&syncs, 0);
    g_atomic_int_set(&synchronous_writes, 0);
    gint64 start = g_get_monotonic_time();
    for (guint i = 0; i < n_threads; i++) {
        work[i] = (Work){journal, first + i * (count / n_threads), count / n_threads};
        threads[i] = g_thread_new("deliver", deliver_some, &work[i]);
    }
    for (guint i = 0; i < n_threads; i++) {
        GError *failed = g_thread_join(threads[i]);
        if (failed != NULL && error != NULL && *error == NULL)
            g_propagate_error(error, failed);
        else
            g_clear_error(&failed);
    }
    printf("%.6f %d %d\n", seconds_since(start), g_atomic_int_get(&syncs), g_atomic_int_get(&synchronous_writes));
    return *error == NULL;
}

static gboolean fill(const char *dir, guint count, GError **error)
{
    g_autoptr(DmJournal) journal = dm_journal_open(dir, DM_JOURNAL_OWN, error);

    for (guint part = 0; journal != NULL && part < PARTS; part++) {
        gint64 start = g_get_monotonic_time();
        written = 0;
        for (guint i = 0; i < count / PARTS; i++) {
            if (!deliver(journal, part * (count / PARTS) + i, error))
                return FALSE;
        }
        printf("%.6f %" G_GSIZE_FORMAT "\n", seconds_since(start), written);
    }
    return journal != NULL;
}

static gboolean write_blocks(int fd, guint count, guint pages, guint mib)
{
    static const char block[BLOCK] = "x";
    const guint64 blocks = (guint64)mib * (MIB / BLOCK);

    for (guint64 i = 0; i < blocks; i++) {
        if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
            return FALSE;
    }
    if (fsync(fd) != 0)
        return FALSE;
    gint64 start = g_get_monotonic_time();
    for (guint64 i = 0; i < (guint64)count * pages; i++) {
        if (pwrite(fd, block, BLOCK, (off_t)(i * STEP % blocks) * BLOCK) != BLOCK ||
            ((i + 1) % pages == 0 && fdatasync(fd) != 0))
            return FALSE;
    }
    printf("%.6f\n", seconds_since(start));
    return TRUE;
}

static gboolean write_disk(const char *dir, guint count, guint pages, guint mib, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "blocks", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    gboolean good = fd >= 0 && write_blocks(fd, count, pages, mib);

    if (!good)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    unlink(path);
    return good;
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
    g_autoptr(GError) error = NULL;
    guint threads = 0;
    guint count = 0;
    guint first = 0;
    guint pages = 0;
    guint mib = 0;
    gboolean good = FALSE;

    if (argc == 6 && strcmp(argv[1], "write") == 0 && number(argv[3], THREAD_MAX, &threads) &&
        number(argv[4], COUNT_MAX, &count) && number(argv[5], COUNT_MAX, &first))
        good = write_all(argv[2], threads, count, first, &error);
    else if (argc == 4 && strcmp(argv[1], "fill") == 0 && number(argv[3], COUNT_MAX, &count))
        good = fill(argv[2], count, &error);
    else if (argc == 6 && strcmp(argv[1], "disk") == 0 && number(argv[3], COUNT_MAX, &count) &&
             number(argv[4], COUNT_MAX, &pages) && number(argv[5], MIB_MAX, &mib))
        good = write_disk(argv[2], count, pages, mib, &error);
    else
        return EX_USAGE;
    if (good)
        return 0;
    fprintf(stderr, "bench_journal: %s\n", error->message);
    return EX_SOFTWARE;
}
