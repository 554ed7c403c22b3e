#include "common/activation.h"

#include "common/listen.h"

#include <fcntl.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

static guint64 number_in(const char *text)
{
    guint64 number = 0;

    return text != NULL && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL) ? number : 0;
}

gboolean dm_activation_take(const char *address, int *fd, GError **error)
{
    guint64 count = number_in(g_getenv("LISTEN_PID")) == (guint64)getpid() ? number_in(g_getenv("LISTEN_FDS")) : 0;

    *fd = -1;
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    if (count == 0)
        return TRUE;
    if (count > 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "the service manager hands in %" G_GUINT64_FORMAT
                    " sockets; leave one ListenStream= in the .socket unit, for %s",
                    count, address);
        return FALSE;
    }
    if (!dm_listen_check(FIRST_FD, address, error))
        return FALSE;
    if (fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the socket of the service manager can't be used");
        return FALSE;
    }
    *fd = FIRST_FD;
    return TRUE;
}
