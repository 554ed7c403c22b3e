/*
 * Other programs, run without a shell and not without bounds.
 */
#ifndef DEMAIL_CTL_CHECK_RUN_H
#define DEMAIL_CTL_CHECK_RUN_H

#include "common/error.h"

#include <glib.h>

typedef struct {
    int exit_code;
    char *output; /* at most 4 MiB, NUL-terminated */
    char *errors; /* what came on standard error, its beginning */
} DmRun;

/* Runs argv[0] (looked for in PATH) with `input` (may be NULL) as its standard input. FALSE with DM_ERROR_UNAVAILABLE
 * if it can't be started, says more than that, takes over 30 seconds or dies of a signal; then `run` is empty. */
gboolean dm_run(const char *const *argv, const char *input, DmRun *run, GError **error);
void dm_run_clear(DmRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmRun, dm_run_clear)

#endif
