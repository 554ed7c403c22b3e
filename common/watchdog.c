#include "common/watchdog.h"

#include <unistd.h>

gint64 dm_watchdog_interval(void)
{
    const char *text = g_getenv("WATCHDOG_USEC");
    const char *pid_text = g_getenv("WATCHDOG_PID");
    guint64 interval = 0;
    guint64 pid = 0;

    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &interval, NULL))
        return 0;
    if (pid_text != NULL &&
        (!g_ascii_string_to_unsigned(pid_text, 10, 1, G_MAXINT, &pid, NULL) || pid != (guint64)getpid()))
        return 0;
    return (gint64)interval;
}
