/*
 * What the MTA says at injection, with an SMTP server that answers by a list.
 */
#include "poller/inject.h"

#include "tests/unit/support.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *rcpt;
    const char *end; /* after the message; NULL closes the connection */
} Answers;

typedef struct {
    GSocketListener *listener;
    const Answers *answers;
} Server;

static void put(GOutputStream *out, const char *line)
{
    g_autofree char *text = g_strconcat(line, "\r\n", NULL);

    assert_true(g_output_stream_write_all(out, text, strlen(text), NULL, NULL, NULL));
}

static void serve(GDataInputStream *in, GOutputStream *out, const Answers *answers)
{
    gboolean in_data = FALSE;

    put(out, "220 mx ESMTP");
    for (;;) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

        if (!line)
            return;
        if (in_data && !g_str_equal(line, "."))
            continue;
        if (in_data && !answers->end)
            return;
        if (in_data)
            put(out, answers->end);
        else if (g_str_has_prefix(line, "DATA"))
            put(out, "354 go on");
        else if (g_str_has_prefix(line, "RCPT"))
            put(out, answers->rcpt);
        else
            put(out, g_str_has_prefix(line, "QUIT") ? "221 2.0.0 Bye" : "250 mx");
        in_data = g_str_has_prefix(line, "DATA");
    }
}

static gpointer run_server(gpointer data)
{
    const Server *server = data;
    g_autoptr(GSocketConnection) connection = g_socket_listener_accept(server->listener, NULL, NULL, NULL);
    g_autoptr(GDataInputStream) in = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));

    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    serve(in, g_io_stream_get_output_stream(G_IO_STREAM(connection)), server->answers);
    return NULL;
}

static DmInjectResult inject(const char *folder, const Answers *answers, GError **error)
{
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    guint16 port = g_socket_listener_add_any_inet_port(listener, NULL, NULL);
    g_autofree char *url = g_strdup_printf("smtp://127.0.0.1:%u", port);
    g_autofree char *path = ts_write(folder, "message", "Text\n.\nmore\n");
    g_autoptr(GString) head = g_string_new("Subject: x\r\n\r\n");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Server server = {listener, answers};
    GThread *thread = g_thread_new("mta", run_server, &server);
    const DmInjection injection = {
        .url = url, .sender = "b@gemeinde.example", .head = head, .fd = fd, .body = 0, .size = 12};
    char *const recipients[] = {(char *)"max@gemeinde.example", NULL};
    DmInjectResult result = dm_inject(&injection, recipients, error);

    g_thread_join(thread);
    close(fd);
    return result;
}

static void test_answers(void **state)
{
    static const struct {
        Answers answers;
        DmInjectResult result;
        const char *reason;
        int code; /* of DM_ERROR, where not done */
    } cases[] = {
        {{"250 Ok", "250 queued"}, DM_INJECT_DONE, NULL, 0},
        {{"550 5.1.1 no such user", "250"}, DM_INJECT_REFUSED, "550 5.1.1 no such user", DM_ERROR_TEMPORARY},
        {{"550-5.1.1 no such user\r\n550 5.1.1 really", "250"},
         DM_INJECT_REFUSED,
         "550-5.1.1 no such",
         DM_ERROR_TEMPORARY},
        {{"250 Ok", "552 5.3.4 too large"}, DM_INJECT_REFUSED, "552 5.3.4 too large", DM_ERROR_TEMPORARY},
        {{"452 4.2.2 mailbox full", "250"}, DM_INJECT_DEFERRED, "452 4.2.2 mailbox full", DM_ERROR_TEMPORARY},
        {{"250 Ok", "451 4.3.0 disk full"}, DM_INJECT_LATER, "451 4.3.0 disk full", DM_ERROR_TEMPORARY},
        {{"421 4.3.2 closing", "250"}, DM_INJECT_LATER, "421 4.3.2 closing", DM_ERROR_UNAVAILABLE},
        {{"250 Ok", NULL}, DM_INJECT_UNSURE, "", DM_ERROR_TEMPORARY},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        DmInjectResult result = inject(*state, &cases[i].answers, &error);

        if (result != cases[i].result)
            print_error("%s / %s: %d\n", cases[i].answers.rcpt, cases[i].answers.end, (int)result);
        assert_int_equal(result, cases[i].result);
        if (!cases[i].reason)
            continue;
        assert_int_equal(error->code, cases[i].code);
        if (!strstr(error->message, cases[i].reason))
            print_error("%s\n", error->message);
        assert_non_null(strstr(error->message, cases[i].reason));
        assert_null(strstr(error->message, "Bye"));
    }
}

static void test_nobody_there(void **state)
{
    g_autoptr(GString) head = g_string_new("Subject: x\r\n\r\n");
    const DmInjection injection = {.url = "smtp://127.0.0.1:1", .sender = "b@gemeinde.example", .head = head, .fd = -1};
    char *const recipients[] = {(char *)"max@gemeinde.example", NULL};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_int_equal(dm_inject(&injection, recipients, &error), DM_INJECT_LATER);
    assert_int_equal(error->code, DM_ERROR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
