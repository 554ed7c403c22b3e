/*
 * What the MTA says at injection, with an SMTP server that answers by a list.
 */
#include "poller/inject.h"

#include "tests/unit/support.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *rcpt;
    const char *end;    /* after the message; NULL closes the connection */
    const char *second; /* to a second MAIL, and the connection is closed; NULL: it is as welcome as the first */
} Answers;

typedef struct {
    GSocketListener *listener;
    const Answers *answers;
    guint connections; /* that it takes, one after the other, until it is cancelled */
    GCancellable *cancellable;
} Server;

static guint performed; /* transfers of libcurl */

static void put(GOutputStream *out, const char *line)
{
    g_autofree char *text = g_strconcat(line, "\r\n", NULL);

    assert_true(g_output_stream_write_all(out, text, strlen(text), NULL, NULL, NULL));
}

static void serve(GDataInputStream *in, GOutputStream *out, const Answers *answers)
{
    gboolean in_data = FALSE;
    guint mails = 0;

    put(out, "220 mx ESMTP");
    for (;;) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

        if (!line)
            return;
        if (in_data && !g_str_equal(line, "."))
            continue;
        if (in_data && !answers->end)
            return;
        mails += g_str_has_prefix(line, "MAIL") ? 1 : 0;
        if (mails == 2 && answers->second) {
            put(out, answers->second);
            return;
        }
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

static gboolean serve_next(const Server *server)
{
    g_autoptr(GSocketConnection) connection =
        g_socket_listener_accept(server->listener, NULL, server->cancellable, NULL);
    g_autoptr(GDataInputStream) in = NULL;

    if (!connection)
        return FALSE;
    in = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));

    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    serve(in, g_io_stream_get_output_stream(G_IO_STREAM(connection)), server->answers);
    return TRUE;
}

static gpointer run_server(gpointer data)
{
    const Server *server = data;

    guint taken = 0;

    while (taken < server->connections && serve_next(server))
        taken++;
    return GUINT_TO_POINTER(taken);
}

/* Injects `times` with the same injector; the last result. */
static DmInjectResult inject_often(const char *folder, const Answers *answers, guint times, guint connections,
                                   GError **error)
{
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    guint16 port = g_socket_listener_add_any_inet_port(listener, NULL, NULL);
    g_autofree char *url = g_strdup_printf("smtp://127.0.0.1:%u", port);
    g_autofree char *path = ts_write(folder, "message", "Text\n.\nmore\n");
    g_autoptr(GString) head = g_string_new("Subject: x\r\n\r\n");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    Server server = {listener, answers, connections, cancellable};
    GThread *thread = g_thread_new("mta", run_server, &server);
    DmInjector *injector = times > 1 ? dm_injector_new() : NULL;
    const DmInjection injection = {
        .injector = injector, .url = url, .sender = "b@gemeinde.example", .head = head, .fd = fd, .size = 12};
    char *const recipients[] = {(char *)"max@gemeinde.example", NULL};
    DmInjectResult result = dm_inject(&injection, recipients, error);

    for (guint i = 1; i < times && result == DM_INJECT_DONE; i++)
        result = dm_inject(&injection, recipients, error);
    dm_injector_free(injector);
    g_cancellable_cancel(cancellable);
    assert_int_equal(GPOINTER_TO_UINT(g_thread_join(thread)), connections);
    close(fd);
    return result;
}

static DmInjectResult inject(const char *folder, const Answers *answers, GError **error)
{
    return inject_often(folder, answers, 1, 1, error);
}

/* The server takes one connection, and ends when that is ended in good form. */
static void test_connection_is_kept(void **state)
{
    const Answers answers = {"250 Ok", "250 queued", NULL};

    assert_int_equal(inject_often(*state, &answers, 3, 1, NULL), DM_INJECT_DONE);
}

static void test_kept_connection_that_ended_is_no_failure(void **state)
{
    static const char *const farewells[] = {"421 4.4.2 mx timeout exceeded", ""};

    for (gsize i = 0; i < G_N_ELEMENTS(farewells); i++) {
        const Answers answers = {"250 Ok", "250 queued", farewells[i]};
        g_autoptr(GError) error = NULL;

        assert_int_equal(inject_often(*state, &answers, 3, 3, &error), DM_INJECT_DONE);
        assert_null(error);
    }
}

/* A refusal is final for its message, and the next begins afresh. */
static void test_refusal_ends_the_connection(void **state)
{
    const Answers answers = {"250 Ok", "250 queued", "550 5.7.1 no"};
    g_autoptr(GError) error = NULL;

    assert_int_equal(inject_often(*state, &answers, 3, 1, &error), DM_INJECT_REFUSED);
}

static void test_answers(void **state)
{
    static const struct {
        Answers answers;
        DmInjectResult result;
        const char *reason;
        int code; /* of DM_ERROR, where not done */
    } cases[] = {
        {{"250 Ok", "250 queued", NULL}, DM_INJECT_DONE, NULL, 0},
        {{"550 5.1.1 no such user", "250", NULL}, DM_INJECT_REFUSED, "550 5.1.1 no such user", DM_ERROR_TEMPORARY},
        {{"550-5.1.1 no such user\r\n550 5.1.1 really", "250", NULL},
         DM_INJECT_REFUSED,
         "550-5.1.1 no such",
         DM_ERROR_TEMPORARY},
        {{"250 Ok", "552 5.3.4 too large", NULL}, DM_INJECT_REFUSED, "552 5.3.4 too large", DM_ERROR_TEMPORARY},
        {{"452 4.2.2 mailbox full", "250", NULL}, DM_INJECT_DEFERRED, "452 4.2.2 mailbox full", DM_ERROR_TEMPORARY},
        {{"250 Ok", "451 4.3.0 disk full", NULL}, DM_INJECT_LATER, "451 4.3.0 disk full", DM_ERROR_TEMPORARY},
        {{"421 4.3.2 closing", "250", NULL}, DM_INJECT_LATER, "421 4.3.2 closing", DM_ERROR_UNAVAILABLE},
        {{"250 Ok", NULL, NULL}, DM_INJECT_UNSURE, "", DM_ERROR_TEMPORARY},
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

CURLcode __real_curl_easy_perform(CURL *handle);
CURLcode __wrap_curl_easy_perform(CURL *handle);
CURLcode __wrap_curl_easy_perform(CURL *handle)
{
    performed++;
    return __real_curl_easy_perform(handle);
}

/* No second try, which could take as long again. */
static void test_nobody_there(void **state)
{
    g_autoptr(GString) head = g_string_new("Subject: x\r\n\r\n");
    const DmInjection injection = {.url = "smtp://127.0.0.1:1", .sender = "b@gemeinde.example", .head = head, .fd = -1};
    char *const recipients[] = {(char *)"max@gemeinde.example", NULL};
    g_autoptr(GError) error = NULL;

    (void)state;
    performed = 0;
    assert_int_equal(dm_inject(&injection, recipients, &error), DM_INJECT_LATER);
    assert_int_equal(error->code, DM_ERROR_UNAVAILABLE);
    assert_int_equal(performed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_connection_is_kept, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_kept_connection_that_ended_is_no_failure, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_refusal_ends_the_connection, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
