#include "ctl/check/files.h"
#include "ctl/check/finding.h"
#include "ctl/check/postfix_read.h"
#include "ctl/check/rights.h"

#include <string.h>

typedef struct {
    const char *daemon;
    const char *address; /* unix:PATH or inet:HOST:PORT */
    const char *group;
    guint mode;
    const char *why;
} Socket;

static void add(GPtrArray *findings, const char *code, char *problem, const char *why, char *command)
{
    dm_check_findings_add(
        findings,
        (DmCheckFinding){.code = code, .severity = DM_CHECK_ERROR, .problem = problem, .why = why, .command = command});
}

/* The command that lets the MTA's user get by the obstacle. */
static char *open_way(const Socket *socket, const char *path, const char *obstacle, const char *mail_user,
                      const DmIdentity *identity)
{
    g_autofree char *word = dm_shell_word(obstacle);
    g_autofree char *group = dm_shell_word(socket->group[0] != '\0' ? socket->group : "demail-mta");
    g_autofree char *user = dm_shell_word(mail_user);
    struct stat st;

    if (!g_str_equal(obstacle, path))
        return g_strdup_printf("chmod a+x %s", word);
    if (stat(path, &st) != 0)
        return g_strdup_printf("systemctl restart %s", socket->daemon);
    if (!dm_identity_in(identity, st.st_gid) || (st.st_mode & S_IWGRP) == 0) {
        g_autofree char *own = dm_group_name(st.st_gid);
        gboolean right = g_str_equal(own, socket->group) && ((guint)st.st_mode & 0777) == socket->mode;
        if (!right)
            return g_strdup_printf("chgrp %s %s && chmod %04o %s", group, word, socket->mode, word);
    }
    return g_strdup_printf("gpasswd -a %s %s", user, group);
}

static void check_way(const Socket *socket, const char *mail_user, GPtrArray *findings)
{
    g_auto(DmIdentity) identity = {0};
    const char *path = socket->address + strlen("unix:");

    if (mail_user == NULL || !dm_identity_load(mail_user, NULL, &identity))
        return;
    g_autofree char *obstacle = dm_identity_obstacle(&identity, path, DM_MAY_WRITE);
    if (obstacle != NULL)
        add(findings, "socket.closed-to-mta",
            g_strdup_printf("%s: the mail server's user %s is not let in to %s's socket%s%s", path, mail_user,
                            socket->daemon, g_str_equal(obstacle, path) ? "" : ": not into ",
                            g_str_equal(obstacle, path) ? "" : obstacle),
            socket->why, open_way(socket, path, obstacle, mail_user, &identity));
}

static void check_socket(const Socket *socket, const char *mail_user, GPtrArray *findings)
{
    if (g_str_has_prefix(socket->address, "unix:") || g_str_has_prefix(socket->address, "inet:")) {
        if (!dm_socket_answers(socket->address))
            add(findings, "socket.silent", g_strdup_printf("%s does not answer at %s", socket->daemon, socket->address),
                socket->why, dm_shell_command("systemctl", "restart", socket->daemon, NULL));
        else if (g_str_has_prefix(socket->address, "unix:"))
            check_way(socket, mail_user, findings);
    }
}

/* libmilter's inet:PORT@HOST as inet:HOST:PORT. */
static char *milter_address(const char *socket)
{
    const char *colon = strchr(socket, ':');
    const char *at = strchr(socket, '@');

    if (!g_str_has_prefix(socket, "inet") || colon == NULL || at == NULL)
        return g_strdup(socket);
    gboolean bare6 = strchr(at, ':') != NULL && at[1] != '[';
    return g_strdup_printf("inet:%s%s%s:%.*s", bare6 ? "[" : "", at + 1, bare6 ? "]" : "", (int)(at - colon - 1),
                           colon + 1);
}

/* smtp://HOST:PORT, of the MTA that was looked at. */
static void check_way_in(const DmConfig *config, const DmMta *mta, GPtrArray *findings)
{
    g_autofree char *address = g_strconcat("inet:", config->poller.inject + strlen("smtp://"), NULL);

    if (mta->mail_user != NULL && !dm_socket_answers(address))
        add(findings, "mta.inject-silent",
            g_strdup_printf("the mail server does not answer at %s, where demail-poller hands received De-Mail over",
                            config->poller.inject),
            "received De-Mail stays at the provider",
            g_strdup(mta->postfix ? "systemctl restart postfix" : "systemctl restart sendmail"));
}

void dm_check_sockets(const DmConfig *config, const DmMta *mta, GPtrArray *findings)
{
    g_autofree char *address = milter_address(config->milter.socket);
    const Socket milter = {"demail-milter", address, config->milter.socket_group, (guint)config->milter.socket_mode,
                           "the mail server takes no mail without demail-milter"};
    const Socket poller = {"demail-poller", config->poller.lmtp, config->poller.socket_group,
                           (guint)config->poller.socket_mode, "De-Mail waits in the mail server's queue"};

    check_socket(&milter, mta->mail_user, findings);
    check_socket(&poller, mta->mail_user, findings);
    check_way_in(config, mta, findings);
}
