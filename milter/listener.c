#include "milter/listener.h"

#include "common/activation.h"
#include "common/listen.h"
#include "common/log.h"
#include "milter/callbacks.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG   128
#define MAX_FD    65536
#define UNIX_FORM "unix:"

static const char *unix_path(const DmConfig *config)
{
    return g_str_has_prefix(config->milter.socket, UNIX_FORM) ? config->milter.socket + strlen(UNIX_FORM) : NULL;
}

/* libmilter's inet:PORT@HOST as inet:HOST:PORT. */
static char *address_of(const char *milter_socket, GError **error)
{
    if (g_str_has_prefix(milter_socket, UNIX_FORM))
        return g_strdup(milter_socket);

    const char *colon = strchr(milter_socket, ':');
    const char *at = colon != NULL ? strchr(colon, '@') : NULL;
    if (at == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "socket %s: write it as unix:/PATH or inet:PORT@HOST",
                    milter_socket);
        return NULL;
    }
    g_autofree char *family = g_strndup(milter_socket, (gsize)(colon - milter_socket));
    g_autofree char *port = g_strndup(colon + 1, (gsize)(at - colon - 1));
    return g_strdup_printf("%s:%s:%s", family, at + 1, port);
}

/* libmilter says only that it failed: find out why before, with a socket of our own. */
static gboolean probe_inet(const char *address, GError **error)
{
    int fd = dm_listen(address, 0, &(DmListenOwner){"", ""}, error);

    if (fd < 0)
        return FALSE;
    close(fd);
    return TRUE;
}

static int max_fd(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MAX_FD ? (int)limit.rlim_cur : MAX_FD;
}

static gboolean is_listening(int fd)
{
    int listening = 0;
    socklen_t length = sizeof listening;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

/* libmilter keeps its socket to itself; no other one listens in this process. */
static int find_socket(void)
{
    for (int fd = 0, end = max_fd(); fd < end; fd++) {
        if (is_listening(fd))
            return fd;
    }
    return -1;
}

/* Without TCP_NODELAY a message that we change waits 40 ms for the MTA's delayed acknowledgement. Accepted sockets take
 * the option over from the listening one. */
static void disable_nagle(int fd)
{
    int domain = 0;
    int on = 1;
    socklen_t length = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain != AF_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        dm_log(DM_LOG_WARNING, "nodelay-failed", DM_S("effect", "changed messages wait 40 ms"));
}

static gboolean set_up(const char *connection)
{
    return smfi_register(dm_milter_description) == MI_SUCCESS && smfi_setconn((char *)connection) == MI_SUCCESS &&
           smfi_setbacklog(BACKLOG) == MI_SUCCESS && smfi_opensocket(FALSE) == MI_SUCCESS;
}

/* fd: is an addition of Debian's. */
static gboolean open_handed_in(int fd, GError **error)
{
    g_autofree char *connection = g_strdup_printf("fd:%d", fd);

    if (set_up(connection))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                "this libmilter can't take the socket of the service manager (fd:); disable demail-milter.socket");
    return FALSE;
}

static gboolean open_own(const DmConfig *config, const char *address, GError **error)
{
    const char *path = unix_path(config);

    if (path != NULL ? !dm_listen_clear_path(path, error) : !probe_inet(address, error))
        return FALSE;
    mode_t before = umask(0177);
    gboolean opened = set_up(config->milter.socket);
    umask(before);
    if (!opened) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: libmilter can't open it; check address and folder", config->milter.socket);
        return FALSE;
    }
    const DmListenOwner owner = {config->milter.user, config->milter.socket_group};
    return path == NULL || dm_listen_protect_path(path, (mode_t)config->milter.socket_mode, &owner, error);
}

gboolean dm_listener_open(DmListener *listener, const DmConfig *config, GError **error)
{
    g_autofree char *address = address_of(config->milter.socket, error);

    *listener = (DmListener){.config = config, .fd = -1};
    if (address == NULL || !dm_activation_take(address, &listener->fd, error))
        return FALSE;
    listener->handed_in = listener->fd >= 0;
    if (listener->handed_in ? !open_handed_in(listener->fd, error) : !open_own(config, address, error))
        return FALSE;
    if (!listener->handed_in)
        listener->fd = find_socket();
    if (listener->fd < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "socket %s: libmilter has not opened it",
                    config->milter.socket);
        return FALSE;
    }
    disable_nagle(listener->fd);
    socklen_t length = sizeof listener->name;
    if (getsockname(listener->fd, (struct sockaddr *)&listener->name, &length) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "socket %s: %s", config->milter.socket, g_strerror(errno));
    return FALSE;
}

/* libmilter can't be told to accept no more without ending its sessions. So it gets a socket that nobody knows, under
 * the number of the one that it has. It may just be about to accept: on a blocking socket it would do so for ever, with
 * the lock that smfi_stop() takes. */
gboolean dm_listener_leave(DmListener *listener, GError **error)
{
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    int quiet = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (quiet >= 0 && bind(quiet, (const struct sockaddr *)&unnamed, sizeof unnamed.sun_family) == 0 &&
        listen(quiet, 0) == 0 && dup3(quiet, listener->fd, O_CLOEXEC) >= 0) {
        close(quiet);
        return TRUE;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "the socket can't be left: %s", g_strerror(errno));
    if (quiet >= 0)
        close(quiet);
    return FALSE;
}

/* Accepted sockets have the name of the one that accepted them; on TCP the address may be more precise than its. */
static gboolean is_session(const DmListener *listener, int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0 || name.ss_family != listener->name.ss_family ||
        is_listening(fd))
        return FALSE;
    if (name.ss_family == AF_UNIX)
        return strcmp(((const struct sockaddr_un *)&name)->sun_path,
                      ((const struct sockaddr_un *)&listener->name)->sun_path) == 0;
    /* sin_port and sin6_port lie at the same place. */
    return ((const struct sockaddr_in *)&name)->sin_port == ((const struct sockaddr_in *)&listener->name)->sin_port;
}

guint dm_listener_sessions(const DmListener *listener)
{
    guint sessions = 0;

    for (int fd = 0, end = max_fd(); fd < end; fd++) {
        if (is_session(listener, fd))
            sessions++;
    }
    return sessions;
}

const char *dm_listener_path(const DmListener *listener)
{
    return listener->handed_in ? NULL : unix_path(listener->config);
}
