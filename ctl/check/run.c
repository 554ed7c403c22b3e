#include "ctl/check/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (4 * 1024 * 1024)
#define SECONDS    30

typedef struct {
    int fd; /* -1 at the end */
    GString *text;
} Stream;

void dm_run_clear(DmRun *run)
{
    g_free(run->output);
    g_free(run->errors);
    *run = (DmRun){0};
}

/* A descriptor that reads `input` from its beginning, or -1. */
static int make_input(const char *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    gsize length = strlen(input);

    for (gsize done = 0; fd >= 0 && done < length;) {
        gssize n = write(fd, input + done, length - done);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += (gsize)n;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void read_some(Stream *stream)
{
    char buffer[16384];
    gssize n = read(stream->fd, buffer, sizeof(buffer));

    if (n > 0) {
        g_string_append_len(stream->text, buffer, n);
    } else if (n == 0 || errno != EINTR) {
        close(stream->fd);
        stream->fd = -1;
    }
}

/* NULL, or why it had to end early. */
static const char *read_all(Stream *streams)
{
    gint64 end = g_get_monotonic_time() + SECONDS * G_USEC_PER_SEC;

    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd fds[] = {{.fd = streams[0].fd, .events = POLLIN}, {.fd = streams[1].fd, .events = POLLIN}};
        gint64 left = (end - g_get_monotonic_time()) / 1000;
        if (left <= 0)
            return "it takes too long";
        if (poll(fds, G_N_ELEMENTS(fds), (int)left) < 0 && errno != EINTR)
            return g_strerror(errno);
        for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
            if (fds[i].revents != 0)
                read_some(&streams[i]);
        }
        if (streams[0].text->len + streams[1].text->len > OUTPUT_MAX)
            return "it says too much";
    }
    return NULL;
}

static gboolean finish(const char *name, GPid pid, Stream *streams, DmRun *run, GError **error)
{
    const char *early = read_all(streams);
    int status = 0;

    if (early != NULL)
        kill(pid, SIGKILL);
    for (guint i = 0; i < 2; i++) {
        if (streams[i].fd >= 0)
            close(streams[i].fd);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    g_spawn_close_pid(pid);
    run->output = g_string_free(streams[0].text, FALSE);
    run->errors = g_string_free(streams[1].text, FALSE);
    if (early == NULL && WIFEXITED(status)) {
        run->exit_code = WEXITSTATUS(status);
        return TRUE;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "%s: %s", name, early != NULL ? early : "it died of a signal");
    dm_run_clear(run);
    return FALSE;
}

gboolean dm_run(const char *const *argv, const char *input, DmRun *run, GError **error)
{
    g_autoptr(GError) cause = NULL;
    int input_fd = make_input(input != NULL ? input : "");
    Stream streams[] = {{.fd = -1}, {.fd = -1}};
    GPid pid = 0;

    *run = (DmRun){0};
    if (input_fd < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "%s: no input for it: %s", argv[0], g_strerror(errno));
        return FALSE;
    }
    gboolean started = g_spawn_async_with_pipes_and_fds(
        NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL, NULL, input_fd,
        -1, -1, NULL, NULL, 0, &pid, NULL, &streams[0].fd, &streams[1].fd, &cause);
    close(input_fd);
    if (!started) {
        g_set_error_literal(error, DM_ERROR, DM_ERROR_UNAVAILABLE, cause->message);
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
        streams[i].text = g_string_new(NULL);
    return finish(argv[0], pid, streams, run, error);
}
