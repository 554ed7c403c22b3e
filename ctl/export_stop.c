#include "ctl/export_stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MICROSECONDS_PER_MILLI 1000

static void signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

gboolean dm_export_stop_open(DmExportStop *stop, GError **error)
{
    sigset_t set;

    signals(&set);
    *stop = (DmExportStop){.fd = -1};
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) == 0)
        stop->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (stop->fd < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "signals: %s", g_strerror(errno));
    return stop->fd >= 0;
}

void dm_export_stop_close(DmExportStop *stop)
{
    if (stop->fd >= 0)
        close(stop->fd);
    stop->fd = -1;
}

gboolean dm_export_stop_wanted(DmExportStop *stop, gint64 microseconds)
{
    struct pollfd pollfd = {.fd = stop->fd, .events = POLLIN};
    struct signalfd_siginfo info;
    sigset_t set;

    if (stop->wanted)
        return TRUE;
    if (poll(&pollfd, 1, (int)(microseconds / MICROSECONDS_PER_MILLI)) <= 0 ||
        read(stop->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return FALSE;
    stop->wanted = TRUE;
    signals(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return TRUE;
}
