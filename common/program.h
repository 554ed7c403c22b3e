/*
 * What every daemon of the project does at its start: options, user and group, signals.
 *
 *     -c FILE  configuration      -f  foreground, log on standard error      -t  check and exit
 *     -V       version with the versions of the libraries                     -v  debug lines too
 *
 * Daemons never fork: systemd or -f's terminal own the process.
 */
#ifndef DEMAIL_COMMON_PROGRAM_H
#define DEMAIL_COMMON_PROGRAM_H

#include <glib.h>

#define DM_CONFIG_FILE "/etc/demail/demail.conf"

typedef struct {
    char *config_file; /* never NULL after dm_program_options() */
    gboolean foreground;
    gboolean check_only;
    gboolean show_version;
    gboolean verbose;
} DmProgram;

/* Reads the common options and `extra` (may be NULL) from the command line; DM_ERROR_USAGE on anything else. */
gboolean dm_program_options(DmProgram *program, const GOptionEntry *extra, int *argc, char ***argv, GError **error);

void dm_program_clear(DmProgram *program);

/* Prints `name`, our version and `libraries` (one line, "LMDB 0.9.24, GLib 2.74.6") on standard output. */
void dm_program_print_version(const char *name, const char *libraries);

/* Writes one line to standard error, and to syslog where that is the log. */
void dm_program_complain(const char *name, const char *problem);

/* Complains about the error and returns its sysexits(3) code. */
int dm_program_fail(const char *name, const GError *error);

/* Keeps what is in memory from core dumps, and from debuggers of the same user: RLIMIT_CORE 0, not dumpable. To be
 * called before a secret is read. */
gboolean dm_program_hide_memory(GError **error);

/* If running as root: becomes `user` and `group`, supplementary groups of the user included (by them it may read its
 * keys and give the socket its group), without capabilities and without a way back. Not root: does nothing.
 * DM_ERROR_UNAVAILABLE names the user or group that does not exist; a user who is root, or in root's group, is refused.
 * Before any thread. */
gboolean dm_program_drop_privileges(const char *user, const char *group, GError **error);

/* If running as root: becomes the user and group that own `path`, for good. Root must not open files in a folder in
 * which another user may put links in their place. Nothing if root owns it, or it can't be found. */
gboolean dm_program_become_owner(const char *path, GError **error);

/* Has malloc(3) share two arenas among all threads. With eight for each processor, which is glibc's default, what lies
 * free in each adds up: resident memory keeps growing while what is in use does not. Before any thread. */
void dm_program_share_memory(void);

/* Gives what lies free between what is in use back to the system. Takes about a millisecond; any thread. */
void dm_program_return_memory(void);

/* Blocks SIGUSR1 (reload) and ignores SIGPIPE for the calling thread and all threads it starts from now on. */
void dm_program_block_signals(void);

#endif
