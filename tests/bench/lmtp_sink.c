/*
 * demail-poller's LMTP server with nothing behind it: throws every message away and answers after so many milliseconds.
 * What an MTA delivers to it is the most that any LMTP server would get from this MTA.
 *
 * usage: lmtp_sink SOCKET MILLISECONDS   SOCKET as "unix:PATH"; runs until it is killed, a line in its log per message
 */
#include "common/listen.h"
#include "common/log.h"
#include "poller/lmtp_server.h"

#include <stdio.h>
#include <sysexits.h>

#define CONNECTIONS_MAX 1000

typedef struct {
    guint64 millis;
    guint recipients;
} Session;

static char *mail(gpointer data, const char *sender, gint64 size)
{
    (void)data;
    (void)sender;
    (void)size;
    return g_strdup("250 2.1.0 Ok");
}

static char *rcpt(gpointer data, const char *recipient)
{
    Session *session = data;

    (void)recipient;
    session->recipients++;
    return g_strdup("250 2.1.5 Ok");
}

static GPtrArray *message(gpointer data, DmLmtpData *body)
{
    const Session *session = data;
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);
    gboolean whole = dm_lmtp_data_drain(body);

    g_usleep(session->millis * 1000);
    dm_log(DM_LOG_INFO, "taken", DM_N("recipients", session->recipients));
    for (guint i = 0; i < session->recipients; i++)
        g_ptr_array_add(replies, g_strdup(whole ? "250 2.0.0 Ok" : "451 4.4.2 the message broke off"));
    return replies;
}

static void reset(gpointer data)
{
    Session *session = data;

    session->recipients = 0;
}

static gpointer open_session(gpointer data)
{
    Session *session = g_new0(Session, 1);

    session->millis = *(const guint64 *)data;
    return session;
}

int main(int argc, char **argv)
{
    static const DmLmtpHandlers handlers = {.mail = mail, .rcpt = rcpt, .message = message, .reset = reset};
    guint64 millis;
    g_autoptr(GError) error = NULL;

    if (argc != 3 || !g_ascii_string_to_unsigned(argv[2], 10, 0, 60000, &millis, NULL)) {
        fputs("usage: lmtp_sink SOCKET MILLISECONDS\n", stderr);
        return EX_USAGE;
    }

    const DmLmtpService service = {.hostname = "sink",
                                   .max_connections = CONNECTIONS_MAX,
                                   .handlers = &handlers,
                                   .open = open_session,
                                   .close = g_free,
                                   .data = &millis};
    int socket;

    dm_log_open("lmtp_sink", TRUE, FALSE);
    socket = dm_listen(argv[1], 0666, &(DmListenOwner){"", ""}, &error);

    if (socket < 0 || !dm_lmtp_server_start(socket, &service, &error)) {
        fprintf(stderr, "lmtp_sink: %s\n", error->message);
        return EX_UNAVAILABLE;
    }

    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    g_main_loop_run(loop);
    return EX_OK;
}
