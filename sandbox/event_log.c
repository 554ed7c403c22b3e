#include "sandbox/event_log.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct DmEventLog {
    char *file;
    int fd;
    off_t end; /* after the last whole event */
};

static void set_os_error(const DmEventLog *log, const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s: %s; check the state directory", log->file, what,
                g_strerror(errno));
}

static gboolean replay_line(DmEventLog *log, const char *line, gsize length, guint number, DmEventFunc replay,
                            gpointer data, GError **error)
{
    g_autoptr(json_t) event = json_loadb(line, length, 0, NULL);
    if (event && replay(event, data))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                "%s:%u: no event of this version; move the state directory away to start empty", log->file, number);
    return FALSE;
}

static gboolean replay_all(DmEventLog *log, DmEventFunc replay, gpointer data, GError **error)
{
    FILE *stream = fopen(log->file, "re");
    if (!stream) {
        set_os_error(log, "open", error);
        return FALSE;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    gboolean good = TRUE;
    gboolean torn = FALSE;
    for (guint number = 1; good && !torn && (length = getline(&line, &room, stream)) > 0; number++) {
        torn = line[length - 1] != '\n';
        if (!torn)
            good = replay_line(log, line, (gsize)length, number, replay, data, error);
        if (!torn && good)
            log->end += length;
    }
    if (good && ferror(stream)) {
        set_os_error(log, "read", error);
        good = FALSE;
    }
    free(line);
    fclose(stream);
    if (good && torn)
        dm_log(DM_LOG_WARNING, "torn-event", DM_S("file", log->file),
               DM_S("detail", "the last line was not written completely and is dropped"));
    return good;
}

DmEventLog *dm_event_log_open(const char *file, DmEventFunc replay, gpointer data, GError **error)
{
    DmEventLog *log = g_new0(DmEventLog, 1);
    log->file = g_strdup(file);
    log->fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (log->fd < 0) {
        set_os_error(log, "open", error);
        goto fail;
    }
    if (flock(log->fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "%s: another sandbox uses this state directory; stop it or name another --state", file);
        goto fail;
    }
    if (!replay_all(log, replay, data, error))
        goto fail;
    if (ftruncate(log->fd, log->end) != 0) {
        set_os_error(log, "ftruncate", error);
        goto fail;
    }
    return log;
fail:
    dm_event_log_close(log);
    return NULL;
}

void dm_event_log_close(DmEventLog *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    g_free(log->file);
    g_free(log);
}

static gboolean write_at(int fd, const char *data, gsize length, off_t at)
{
    while (length > 0) {
        ssize_t written = pwrite(fd, data, length, at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        data += written;
        at += written;
        length -= (gsize)written;
    }
    return TRUE;
}

gboolean dm_event_log_append(DmEventLog *log, const json_t *event, GError **error)
{
    char *text = json_dumps(event, JSON_COMPACT);
    if (!text) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: an event can't be written as JSON", log->file);
        return FALSE;
    }
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    free(text);
    gsize length = strlen(line);
    if (!write_at(log->fd, line, length, log->end) || fdatasync(log->fd) != 0) {
        set_os_error(log, "write", error);
        if (ftruncate(log->fd, log->end) != 0)
            dm_log(DM_LOG_ERROR, "event-log", DM_S("file", log->file), DM_S("detail", g_strerror(errno)));
        return FALSE;
    }
    log->end += (off_t)length;
    return TRUE;
}
