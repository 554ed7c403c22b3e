/*
 * Places at which it matters whether the program is killed there: journal and archive writes, calls of the provider, LMTP answers,
 * injections. Every place calls dm_step(); a test that kills at each of them in turn knows that it missed none.
 *
 * In the environment of a daemon's start:
 *     DEMAIL_STEP_LOG=FILE  a line with number and name is appended to FILE at each step
 *     DEMAIL_STEP_STOP=N    the process ends at step N, as if killed: nothing is flushed, closed or answered
 * Without them a step is one test of a number. May be called from any thread.
 */
#ifndef DEMAIL_COMMON_STEP_H
#define DEMAIL_COMMON_STEP_H

#include <glib.h>

#define DM_STEP_EXIT 100 /* exit code of a process that ended at its step */

/* Reads the environment. Before any thread; a program that does not call it has no steps. */
gboolean dm_step_start(GError **error);

/* `name`: what comes next, or has just been done. */
void dm_step(const char *name);

#endif
