#include "common/step.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Written by dm_step_start() only, but for the counter. */
static struct {
    gboolean counting;
    guint64 stop; /* 0: never */
    int log;      /* -1: none */
    gint count;   /* atomic */
} steps = {.log = -1};

gboolean dm_step_start(GError **error)
{
    const char *stop = g_getenv("DEMAIL_STEP_STOP");
    const char *log = g_getenv("DEMAIL_STEP_LOG");

    if (stop && !g_ascii_string_to_unsigned(stop, 10, 1, G_MAXINT, &steps.stop, NULL)) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "DEMAIL_STEP_STOP: \"%s\" is not the number of a step", stop);
        return FALSE;
    }
    if (log) {
        steps.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (steps.log < 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_OS, "DEMAIL_STEP_LOG %s: %s", log, g_strerror(errno));
            return FALSE;
        }
    }
    steps.counting = stop || log;
    return TRUE;
}

void dm_step(const char *name)
{
    if (!steps.counting)
        return;

    guint64 number = (guint64)g_atomic_int_add(&steps.count, 1) + 1;

    if (steps.log >= 0) {
        g_autofree char *line = g_strdup_printf("%" G_GUINT64_FORMAT " %s\n", number, name);

        /* The reader of the log sees that lines are missing. */
        (void)!write(steps.log, line, strlen(line));
    }
    if (number == steps.stop)
        _exit(DM_STEP_EXIT);
}
