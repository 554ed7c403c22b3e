#include "common/gateway.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/program.h"
#include "milter/callbacks.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <lmdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define NAME      "demail-milter"
#define NEEDS     (DM_GATEWAY_POLICY | DM_GATEWAY_STAMP)
#define BACKLOG   128
#define MAX_FD    1024
#define UNIX_FORM "unix:"

static void print_version(void)
{
    unsigned int major = 0;
    unsigned int minor = 0;
    unsigned int patch = 0;

    smfi_version(&major, &minor, &patch);
    g_autofree char *libraries =
        g_strdup_printf("libmilter %u.%u.%u, %s, GLib %u.%u.%u, GMime %u.%u.%u", major, minor, patch,
                        mdb_version(NULL, NULL, NULL), glib_major_version, glib_minor_version, glib_micro_version,
                        gmime_major_version, gmime_minor_version, gmime_micro_version);
    dm_program_print_version(NAME, libraries);
}

/* Reports every problem on a line of its own; the exit code is that of the first. */
static DmGateway *open_gateway(const DmProgram *program, int *exit_code)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) first = NULL;
    DmGateway *gateway = dm_gateway_open(program->config_file, NEEDS, problems, &first);

    for (guint i = 0; gateway == NULL && i < problems->len; i++)
        dm_program_complain(NAME, g_ptr_array_index(problems, i));
    if (gateway == NULL)
        *exit_code = first != NULL ? dm_error_exit_code(first) : EX_CONFIG;
    return gateway;
}

static const char *unix_path(const DmConfig *config)
{
    return g_str_has_prefix(config->milter.socket, UNIX_FORM) ? config->milter.socket + strlen(UNIX_FORM) : NULL;
}

/* libmilter says only that it failed: find out why before, with a socket of our own. inet:PORT@HOST -> inet:HOST:PORT.
 */
static gboolean probe_inet(const char *milter_socket, GError **error)
{
    const char *colon = strchr(milter_socket, ':');
    const char *at = colon != NULL ? strchr(colon, '@') : NULL;
    if (at == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "socket %s: write it as unix:/PATH or inet:PORT@HOST",
                    milter_socket);
        return FALSE;
    }
    g_autofree char *family = g_strndup(milter_socket, (gsize)(colon - milter_socket));
    g_autofree char *port = g_strndup(colon + 1, (gsize)(at - colon - 1));
    g_autofree char *address = g_strdup_printf("%s:%s:%s", family, at + 1, port);

    int fd = dm_listen(address, 0, &(DmListenOwner){"", ""}, error);
    if (fd < 0)
        return FALSE;
    close(fd);
    return TRUE;
}

/* Without TCP_NODELAY a message that we change waits 40 ms for the MTA's delayed acknowledgement. Accepted sockets take
 * the option over from the listening one, which libmilter keeps to itself. */
static void disable_nagle(void)
{
    for (int fd = 0; fd < MAX_FD; fd++) {
        int listening = 0;
        int domain = 0;
        socklen_t length = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0)
            continue;
        length = sizeof domain;
        int on = 1;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain != AF_UNIX &&
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            dm_log(DM_LOG_WARNING, "nodelay-failed", DM_S("effect", "changed messages wait 40 ms"));
    }
}

static gboolean open_socket(const DmConfig *config, GError **error)
{
    const char *path = unix_path(config);

    if (path != NULL ? !dm_listen_clear_path(path, error) : !probe_inet(config->milter.socket, error))
        return FALSE;
    mode_t before = umask(0177);
    gboolean opened = smfi_register(dm_milter_description) == MI_SUCCESS &&
                      smfi_setconn(config->milter.socket) == MI_SUCCESS && smfi_setbacklog(BACKLOG) == MI_SUCCESS &&
                      smfi_opensocket(FALSE) == MI_SUCCESS;
    umask(before);
    if (!opened) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: libmilter can't open it; check address and folder", config->milter.socket);
        return FALSE;
    }
    disable_nagle();
    const DmListenOwner owner = {config->milter.user, config->milter.socket_group};
    return path == NULL || dm_listen_protect_path(path, (mode_t)config->milter.socket_mode, &owner, error);
}

static gpointer reload_on_signal(gpointer data)
{
    sigset_t set;
    int signal_number = 0;

    (void)data;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    while (sigwait(&set, &signal_number) == 0)
        dm_gateway_reload(NEEDS, NULL);
    return NULL;
}

/* libmilter takes the signals that stop it with sigwait(3); no other thread of ours may be hit by them. */
static void start_reload_thread(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    g_thread_unref(g_thread_new("reload", reload_on_signal, NULL));
}

/* Serves until libmilter is told to stop. */
static int serve_opened(const DmProgram *program, DmGateway *gateway)
{
    const DmConfig *config = gateway->config;

    dm_gateway_set_current(gateway);
    start_reload_thread();
    dm_log(DM_LOG_INFO, "started", DM_S("version", DEMAIL_VERSION), DM_S("socket", config->milter.socket),
           DM_S("config", program->config_file), DM_N("tenants", config->tenants->len));
    dm_notify("READY=1");
    if (smfi_main() != MI_SUCCESS) {
        dm_log(DM_LOG_ERROR, "stopped", DM_S("reason", "libmilter failed"));
        return EX_SOFTWARE;
    }
    dm_log(DM_LOG_INFO, "stopped");
    return EX_OK;
}

static int serve(const DmProgram *program, const DmConfig *config)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmGateway) own = NULL;
    int exit_code = EX_OK;

    dm_program_block_signals();
    if (!open_socket(config, &error))
        return dm_program_fail(NAME, error);
    if (!dm_program_drop_privileges(config->milter.user, config->milter.group, &error))
        exit_code = dm_program_fail(NAME, error);
    else if ((own = open_gateway(program, &exit_code)) != NULL) /* as the user who will read it at every reload */
        exit_code = serve_opened(program, own);
    if (unix_path(config) != NULL && unlink(unix_path(config)) != 0 && errno != ENOENT)
        dm_log(DM_LOG_WARNING, "socket-left", DM_S("socket", config->milter.socket), DM_S("reason", g_strerror(errno)));
    return exit_code;
}

/* As the user who will read it at every reload. */
static int check(const DmProgram *program, const DmConfig *config)
{
    g_autoptr(GError) error = NULL;
    int exit_code = EX_OK;

    if (unix_path(config) != NULL && !dm_listen_check_group(config->milter.socket_group, &error))
        return dm_program_fail(NAME, error);
    if (!dm_program_drop_privileges(config->milter.user, config->milter.group, &error))
        return dm_program_fail(NAME, error);
    g_autoptr(DmGateway) own = open_gateway(program, &exit_code);
    if (own != NULL)
        printf("%s: %s is good\n", NAME, program->config_file);
    return exit_code;
}

static int run(const DmProgram *program)
{
    int exit_code = EX_OK;

    dm_log_open(NAME, program->foreground || program->check_only, program->verbose);
    g_autoptr(DmGateway) gateway = open_gateway(program, &exit_code);
    if (gateway == NULL)
        return exit_code;
    return program->check_only ? check(program, gateway->config) : serve(program, gateway->config);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    DmProgram program;

    dm_program_share_memory();
    if (!dm_program_options(&program, NULL, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s\n", NAME, error->message);
        return EX_USAGE;
    }
    g_mime_init();
    int exit_code = EX_OK;
    if (program.show_version)
        print_version();
    else if (!dm_program_hide_memory(&error))
        exit_code = dm_program_fail(NAME, error);
    else
        exit_code = run(&program);
    dm_gateway_set_current(NULL);
    g_mime_shutdown();
    dm_program_clear(&program);
    return exit_code;
}
