#include "common/metrics_file.h"

#include "common/exposition.h"
#include "common/log.h"
#include "common/write.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE     0644
#define READ_MAX (16 * 1024 * 1024)

struct DmMetricsFile {
    char *path;
    int fd; /* of what was written last, locked; -1 if there is nothing */
    gboolean failing;
};

struct DmMetricsWriter {
    DmMetrics *metrics;
    DmMetricsFile *file;
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean stopping;
};

gboolean dm_metrics_file_replace(const char *path, const char *text, gsize length, int mode, int *fd, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int file = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    /* Locked while nobody else can open it: who holds the lock before us would have us wait. */
    gboolean done = file >= 0 && flock(file, LOCK_EX) == 0 && dm_write_all(file, text, length) &&
                    fchmod(file, (mode_t)mode) == 0 && g_rename(temporary, path) == 0;
    int reason = errno;

    if (!done && file >= 0)
        (void)g_unlink(temporary);
    if (fd != NULL)
        *fd = done ? file : -1;
    if (file >= 0 && (fd == NULL || !done))
        close(file);
    if (!done)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check that the folder is there, and its owner and space",
                    path, g_strerror(reason));
    return done;
}

DmMetricsFile *dm_metrics_file_new(const char *path)
{
    DmMetricsFile *file = g_new0(DmMetricsFile, 1);

    file->path = g_strdup(path);
    file->fd = -1;
    return file;
}

void dm_metrics_file_write(DmMetricsFile *file, const GString *text)
{
    g_autoptr(GError) error = NULL;
    int fd = -1;

    if (file->path[0] == '\0')
        return;
    gboolean done = dm_metrics_file_replace(file->path, text->str, text->len, MODE, &fd, &error);
    if (!done && !file->failing)
        dm_log(DM_LOG_WARNING, "metrics-failed", DM_S("reason", error->message));
    if (done && file->failing)
        dm_log(DM_LOG_INFO, "metrics-written", DM_S("file", file->path));
    file->failing = !done;
    if (!done)
        return;
    if (file->fd >= 0)
        close(file->fd);
    file->fd = fd;
}

void dm_metrics_file_free(DmMetricsFile *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    g_free(file->path);
    g_free(file);
}

static void write_metrics(DmMetricsWriter *writer)
{
    g_autoptr(GString) text = g_string_new(NULL);

    dm_metrics_append(writer->metrics, text);
    g_string_append(text, DM_EXPOSITION_END);
    dm_metrics_file_write(writer->file, text);
}

/* FALSE at the end. */
static gboolean wait_for_round(DmMetricsWriter *writer)
{
    gint64 end = g_get_monotonic_time() + DM_METRICS_SECONDS * G_USEC_PER_SEC;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&writer->lock);

    while (!writer->stopping && g_cond_wait_until(&writer->changed, &writer->lock, end))
        continue;
    return !writer->stopping;
}

static gpointer run(gpointer data)
{
    do
        write_metrics(data);
    while (wait_for_round(data));
    write_metrics(data);
    return NULL;
}

DmMetricsWriter *dm_metrics_writer_start(DmMetrics *metrics, const char *path)
{
    DmMetricsWriter *writer = g_new0(DmMetricsWriter, 1);

    writer->metrics = dm_metrics_ref(metrics);
    writer->file = dm_metrics_file_new(path);
    g_mutex_init(&writer->lock);
    g_cond_init(&writer->changed);
    writer->thread = g_thread_new("metrics", run, writer);
    return writer;
}

void dm_metrics_writer_stop(DmMetricsWriter *writer)
{
    g_mutex_lock(&writer->lock);
    writer->stopping = TRUE;
    g_cond_broadcast(&writer->changed);
    g_mutex_unlock(&writer->lock);
    g_thread_join(writer->thread);
    dm_metrics_file_free(writer->file);
    dm_metrics_unref(writer->metrics);
    g_cond_clear(&writer->changed);
    g_mutex_clear(&writer->lock);
    g_free(writer);
}

char *dm_metrics_file_read(const char *path, gboolean *up)
{
    int fd = path[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    struct stat info;
    GString *text = g_string_new(NULL);

    *up = FALSE;
    if (fd < 0)
        return g_string_free(text, FALSE);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        *up = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        char part[4096];
        gssize n = 0;
        while (text->len < READ_MAX && (n = read(fd, part, sizeof part)) > 0)
            g_string_append_len(text, part, n);
    }
    close(fd);
    if (g_str_has_suffix(text->str, DM_EXPOSITION_END))
        g_string_truncate(text, text->len - strlen(DM_EXPOSITION_END));
    return g_string_free(text, FALSE);
}
