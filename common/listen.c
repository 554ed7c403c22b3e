#include "common/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static gboolean fill_path(struct sockaddr_un *sun, const char *path, GError **error)
{
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] != '/' || g_strlcpy(sun->sun_path, path, sizeof sun->sun_path) >= sizeof sun->sun_path) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "socket %s: not an absolute path of at most %zu bytes; choose another path", path,
                    sizeof sun->sun_path - 1);
        return FALSE;
    }
    return TRUE;
}

static gboolean somebody_answers(const struct sockaddr_un *sun)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return TRUE;
    gboolean answered = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 || errno != ECONNREFUSED;
    close(fd);
    return answered;
}

gboolean dm_listen_clear_path(const char *path, GError **error)
{
    struct sockaddr_un sun;
    struct stat st;

    if (!fill_path(&sun, path, error))
        return FALSE;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return TRUE;
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "socket %s: %s; check the folder and its mode", path,
                    g_strerror(errno));
        return FALSE;
    }
    if (!S_ISSOCK(st.st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: a file that is no socket is in the way; move it or choose another path", path);
        return FALSE;
    }
    if (somebody_answers(&sun)) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: another process listens on it; stop that process or choose another path", path);
        return FALSE;
    }
    if (unlink(path) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: the stale socket can't be removed: %s; remove it as root", path, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

gboolean dm_listen_check_group(const char *group, GError **error)
{
    if (group[0] == '\0' || getgrnam(group) != NULL)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                "socket_group %s does not exist; create it with addgroup --system or change socket_group", group);
    return FALSE;
}

/* Whoever may write to the folder could put a link in the socket's place meanwhile: none is followed. */
gboolean dm_listen_protect_path(const char *path, mode_t mode, const DmListenOwner *owner, GError **error)
{
    if (!dm_listen_check_group(owner->group, error))
        return FALSE;
    const struct group *gr = owner->group[0] != '\0' ? getgrnam(owner->group) : NULL;
    const struct passwd *pw = geteuid() == 0 && owner->user[0] != '\0' ? getpwnam(owner->user) : NULL;

    if (fchownat(AT_FDCWD, path, pw != NULL ? pw->pw_uid : (uid_t)-1, gr != NULL ? gr->gr_gid : (gid_t)-1,
                 AT_SYMLINK_NOFOLLOW) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: can't be given to group %s: %s; make the program's user a member of it (adduser USER "
                    "%s), or change socket_group",
                    path, owner->group, g_strerror(errno), owner->group);
        return FALSE;
    }
    if (fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "socket %s: mode %04o can't be set: %s", path, (guint)mode,
                    g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

static int bind_and_listen(int family, const struct sockaddr *sa, socklen_t length)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;

    int on = 1;
    if (family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, sa, length) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static int listen_unix(const char *path, mode_t mode, const DmListenOwner *owner, GError **error)
{
    struct sockaddr_un sun;

    if (!dm_listen_clear_path(path, error) || !fill_path(&sun, path, error))
        return -1;
    mode_t before = umask(0177);
    int fd = bind_and_listen(AF_UNIX, (const struct sockaddr *)&sun, sizeof sun);
    int reason = errno;
    umask(before);
    if (fd < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "socket %s: %s; check the folder and its mode", path,
                    g_strerror(reason));
        return -1;
    }
    if (!dm_listen_protect_path(path, mode, owner, error)) {
        close(fd);
        unlink(path);
        return -1;
    }
    return fd;
}

/* Free with freeaddrinfo(). */
static struct addrinfo *resolve(const char *address, int family, const char *host_port, GError **error)
{
    const char *colon = strrchr(host_port, ':');
    guint64 port = 0;
    if (colon == NULL || colon == host_port || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL)) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "socket %s: write it as inet:HOST:PORT, with a port from 0 to 65535", address);
        return NULL;
    }
    g_autofree char *host = g_strndup(host_port, (gsize)(colon - host_port));
    if (host[0] == '[' && g_str_has_suffix(host, "]")) {
        memmove(host, host + 1, strlen(host));
        host[strlen(host) - 1] = '\0';
    }

    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc == 0)
        return found;
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "socket %s: %s; correct host and port", address, gai_strerror(rc));
    return NULL;
}

static int listen_inet(const char *address, int family, const char *host_port, GError **error)
{
    struct addrinfo *found = resolve(address, family, host_port, error);
    if (found == NULL)
        return -1;
    int fd = bind_and_listen(found->ai_family, found->ai_addr, found->ai_addrlen);
    int reason = errno;
    freeaddrinfo(found);
    if (fd < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE,
                    "socket %s: %s; stop the process that uses it or choose another port", address, g_strerror(reason));
    return fd;
}

int dm_listen(const char *address, mode_t mode, const DmListenOwner *owner, GError **error)
{
    if (g_str_has_prefix(address, "unix:"))
        return listen_unix(address + strlen("unix:"), mode, owner, error);
    if (g_str_has_prefix(address, "inet:"))
        return listen_inet(address, AF_INET, address + strlen("inet:"), error);
    if (g_str_has_prefix(address, "inet6:"))
        return listen_inet(address, AF_INET6, address + strlen("inet6:"), error);
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "socket %s: write it as unix:PATH or inet:HOST:PORT", address);
    return -1;
}

static char *describe(const struct sockaddr_storage *name, socklen_t length)
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    const struct sockaddr *sa = (const struct sockaddr *)name;

    if (sa->sa_family == AF_UNIX) {
        const struct sockaddr_un *sun = (const struct sockaddr_un *)name;
        gsize size =
            length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
        g_autofree char *path = g_strndup(sun->sun_path, MIN(size, sizeof sun->sun_path));
        return g_strconcat("unix:", path, NULL);
    }
    if (getnameinfo(sa, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return g_strdup("something unknown");
    return sa->sa_family == AF_INET6 ? g_strdup_printf("inet6:[%s]:%s", host, port)
                                     : g_strdup_printf("inet:%s:%s", host, port);
}

/* `address` in the form of describe(): numeric. */
static char *normalise(const char *address, GError **error)
{
    gboolean six = g_str_has_prefix(address, "inet6:");
    if (!six && !g_str_has_prefix(address, "inet:"))
        return g_strdup(address);

    struct addrinfo *found = resolve(address, six ? AF_INET6 : AF_INET, strchr(address, ':') + 1, error);
    if (found == NULL)
        return NULL;
    struct sockaddr_storage name = {0};
    memcpy(&name, found->ai_addr, found->ai_addrlen);
    char *text = describe(&name, found->ai_addrlen);
    freeaddrinfo(found);
    return text;
}

gboolean dm_listen_check(int fd, const char *address, GError **error)
{
    int listening = 0;
    int type = 0;
    socklen_t length = sizeof listening;
    socklen_t type_length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) != 0 || type != SOCK_STREAM) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "the service manager hands in something that is no listening stream socket; the .socket unit needs "
                    "ListenStream= for %s, and Accept=no",
                    address);
        return FALSE;
    }
    struct sockaddr_storage name = {0};
    length = sizeof name;
    g_autofree char *expected = normalise(address, error);
    if (expected == NULL)
        return FALSE;
    g_autofree char *given =
        getsockname(fd, (struct sockaddr *)&name, &length) == 0 ? describe(&name, length) : g_strdup("nothing");
    if (strcmp(given, expected) == 0)
        return TRUE;
    g_set_error(
        error, DM_ERROR, DM_ERROR_CONFIG,
        "the service manager hands in %s, and the configuration says %s; change ListenStream= of the .socket unit "
        "or the configuration",
        given, expected);
    return FALSE;
}

GSocket *dm_listen_call(int fd, guint seconds, GError **error)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the socket is gone: %s", g_strerror(errno));
        return NULL;
    }
    g_autoptr(GSocketAddress) address = g_socket_address_new_from_native(&name, length);
    g_autoptr(GSocket) client =
        g_socket_new((GSocketFamily)name.ss_family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    if (client == NULL)
        return NULL;
    g_socket_set_blocking(client, seconds > 0);
    g_socket_set_timeout(client, seconds);
    g_autoptr(GSocketAddress) unnamed = g_unix_socket_address_new_with_type("", 0, G_UNIX_SOCKET_ADDRESS_ANONYMOUS);
    if (name.ss_family == AF_UNIX && !g_socket_bind(client, unnamed, FALSE, error))
        return NULL;
    g_autoptr(GError) problem = NULL;
    if (g_socket_connect(client, address, NULL, &problem) || g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_PENDING))
        return g_steal_pointer(&client);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}
