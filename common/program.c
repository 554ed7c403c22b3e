#include "common/program.h"

#include "common/error.h"
#include "common/log.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENAS 2

gboolean dm_program_options(DmProgram *program, const GOptionEntry *extra, int *argc, char ***argv, GError **error)
{
    *program = (DmProgram){0};
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &program->config_file, "Configuration file", "FILE"},
        {"foreground", 'f', 0, G_OPTION_ARG_NONE, &program->foreground, "Log to standard error", NULL},
        {"test", 't', 0, G_OPTION_ARG_NONE, &program->check_only, "Check the configuration and exit", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &program->show_version, "Show versions and exit", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &program->verbose, "Log debug lines too", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_add_main_entries(context, entries, NULL);
    if (extra != NULL)
        g_option_context_add_main_entries(context, extra, NULL);
    if (!g_option_context_parse(context, argc, argv, error)) {
        dm_program_clear(program);
        return FALSE;
    }
    if (*argc > 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "argument %s: not expected; --help lists the options", (*argv)[1]);
        dm_program_clear(program);
        return FALSE;
    }
    if (program->config_file == NULL)
        program->config_file = g_strdup(DM_CONFIG_FILE);
    return TRUE;
}

void dm_program_clear(DmProgram *program)
{
    g_clear_pointer(&program->config_file, g_free);
}

void dm_program_print_version(const char *name, const char *libraries)
{
    printf("%s %s\n%s\n", name, DEMAIL_VERSION, libraries);
}

void dm_program_complain(const char *name, const char *problem)
{
    fprintf(stderr, "%s: %s\n", name, problem);
    if (!dm_log_is_stderr())
        dm_log(DM_LOG_ERROR, "start-failed", DM_S("reason", problem));
}

int dm_program_fail(const char *name, const GError *error)
{
    dm_program_complain(name, error->message);
    return dm_error_exit_code(error);
}

static gboolean no_such(GError **error, const char *what, const char *name, const char *remedy)
{
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "%s %s does not exist; create it with %s or name another one",
                what, name, remedy);
    return FALSE;
}

gboolean dm_program_hide_memory(GError **error)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "core dumps can't be turned off: %s", g_strerror(errno));
    return FALSE;
}

/* The kernel's list of capabilities ends where it says EINVAL. A root without CAP_SETPCAP, as in a container, can't
 * empty the set; what a process without root may do with it ends with PR_SET_NO_NEW_PRIVS in any case. */
static gboolean empty_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0L, 0L, 0L) >= 0; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0L, 0L, 0L) != 0 && errno != EPERM)
            return FALSE;
    }
    return TRUE;
}

static gboolean become(const char *user, uid_t uid, gid_t gid, GError **error)
{
    if (initgroups(user, gid) == 0 && empty_bounding_set() && setresgid(gid, gid, gid) == 0 &&
        setresuid(uid, uid, uid) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "user %s, group %lu: can't become them: %s", user, (gulong)gid,
                g_strerror(errno));
    return FALSE;
}

static gboolean has_root_group(void)
{
    int count = getgroups(0, NULL);
    g_autofree gid_t *groups = g_new0(gid_t, (gsize)MAX(count, 0) + 1);

    count = getgroups(count, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == 0)
            return TRUE;
    }
    return count < 0 || getegid() == 0;
}

gboolean dm_program_drop_privileges(const char *user, const char *group, GError **error)
{
    if (geteuid() != 0)
        return TRUE;

    const struct passwd *pw = getpwnam(user);
    if (pw == NULL)
        return no_such(error, "user", user, "adduser --system");
    uid_t uid = pw->pw_uid;
    const struct group *gr = getgrnam(group);
    if (gr == NULL)
        return no_such(error, "group", group, "addgroup --system");
    if (uid == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "user %s is root; name a user of the program's own", user);
        return FALSE;
    }
    if (!become(user, uid, gr->gr_gid, error))
        return FALSE;
    if (setuid(0) == 0 || has_root_group()) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "user %s would keep rights of root; take it out of group root", user);
        return FALSE;
    }
    return dm_program_hide_memory(error); /* becoming another user has reset it */
}

gboolean dm_program_become_owner(const char *path, GError **error)
{
    struct stat owner;

    if (geteuid() != 0 || stat(path, &owner) != 0 || owner.st_uid == 0)
        return TRUE;
    if (setgroups(0, NULL) == 0 && setresgid(owner.st_gid, owner.st_gid, owner.st_gid) == 0 &&
        setresuid(owner.st_uid, owner.st_uid, owner.st_uid) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: can't become its owner: %s", path, g_strerror(errno));
    return FALSE;
}

void dm_program_share_memory(void)
{
    (void)mallopt(M_ARENA_MAX, ARENAS);
}

void dm_program_return_memory(void)
{
    (void)malloc_trim(0);
}

void dm_program_block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}
