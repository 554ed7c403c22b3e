/*
 * The LMTP server's side: commands and their order, and the end of a message, wherever the network cuts it.
 */
#include "poller/lmtp.h"

#include <gio/gio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GREETING "220 mx LMTP demail-poller\r\n"
#define LHLO     "LHLO client\r\n"
#define FEATURES "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250 ENHANCEDSTATUSCODES\r\n"
#define READY    "354 end the message with a line that is a single dot\r\n"

/* What the handlers saw. */
typedef struct {
    GString *log;
    GString *body;
    guint recipients;
} Seen;

static char *on_mail(gpointer data, const char *sender, gint64 size)
{
    Seen *seen = data;

    g_string_append_printf(seen->log, "mail(%s,%d)", sender, (int)size);
    return g_strdup(g_str_has_prefix(sender, "later") ? "451 4.4.1 later" : "250 2.1.0 Ok");
}

static char *on_rcpt(gpointer data, const char *recipient)
{
    Seen *seen = data;

    g_string_append_printf(seen->log, "rcpt(%s)", recipient);
    if (g_str_has_prefix(recipient, "no"))
        return g_strdup("550 5.7.1 no");
    seen->recipients++;
    return g_strdup("250 2.1.5 Ok");
}

static GPtrArray *on_message(gpointer data, DmLmtpData *body)
{
    Seen *seen = data;
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);
    char chunk[7];
    gssize n;

    while ((n = dm_lmtp_data_read(chunk, sizeof chunk, body)) > 0)
        g_string_append_len(seen->body, chunk, n);
    g_string_append(seen->log, n == 0 ? "message" : "broken");
    for (guint i = 0; i < seen->recipients; i++)
        g_ptr_array_add(replies, g_strdup_printf("250 2.0.0 taken %u", i + 1));
    return replies;
}

static GPtrArray *on_message_unread(gpointer data, DmLmtpData *body)
{
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);

    (void)data;
    (void)body;
    g_ptr_array_add(replies, g_strdup("550 5.7.1 unread"));
    return replies;
}

static void on_reset(gpointer data)
{
    ((Seen *)data)->recipients = 0;
}

static const DmLmtpHandlers handlers = {on_mail, on_rcpt, on_message, on_reset};
static const DmLmtpHandlers unread_handlers = {on_mail, on_rcpt, on_message_unread, on_reset};

static char *serve(GInputStream *in, const DmLmtpStop *stop, const DmLmtpHandlers *with, Seen *seen)
{
    g_autoptr(GOutputStream) out = g_memory_output_stream_new_resizable();

    seen->log = g_string_new(NULL);
    seen->body = g_string_new(NULL);
    dm_lmtp_serve(in, out, stop, "mx", with, seen);
    return g_strndup(g_memory_output_stream_get_data(G_MEMORY_OUTPUT_STREAM(out)),
                     g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(out)));
}

/* Serves `input`, given in two pieces, and returns all that was answered. */
static char *serve_split(const char *input, gsize length, gsize split, const DmLmtpHandlers *with, Seen *seen)
{
    g_autoptr(GInputStream) in = g_memory_input_stream_new();

    g_memory_input_stream_add_data(G_MEMORY_INPUT_STREAM(in), input, (gssize)split, NULL);
    g_memory_input_stream_add_data(G_MEMORY_INPUT_STREAM(in), input + split, (gssize)(length - split), NULL);
    return serve(in, NULL, with, seen);
}

static void seen_clear(Seen *seen)
{
    g_string_free(seen->log, TRUE);
    g_string_free(seen->body, TRUE);
    *seen = (Seen){0};
}

static const struct {
    const char *what;
    const char *input;
    const char *replies; /* after the greeting */
    const char *log;
} dialogues[] = {
    {"features and QUIT", LHLO "QUIT\r\n", FEATURES "221 2.0.0 Bye\r\n", ""},
    {"EHLO is no LMTP", "EHLO x\r\n", "500 5.5.1 this is LMTP, say LHLO\r\n", ""},
    {"LHLO needs a name", "LHLO\r\n", "501 5.5.4 LHLO needs a host name\r\n", ""},
    {"MAIL before LHLO", "MAIL FROM:<a@b>\r\n", "503 5.5.1 LHLO first\r\n", ""},
    {"null sender, blank after the colon, any case", LHLO "mail from: <>\r\n", FEATURES "250 2.1.0 Ok\r\n", "mail(,0)"},
    {"parameters", LHLO "MAIL FROM:<a@b> SIZE=1234 BODY=8BITMIME\r\n", FEATURES "250 2.1.0 Ok\r\n", "mail(a@b,1234)"},
    {"unknown parameter", LHLO "MAIL FROM:<a@b> SMTPUTF8\r\n",
     FEATURES "555 5.5.4 only SIZE= and BODY=7BIT or BODY=8BITMIME are known\r\n", ""},
    {"negative size", LHLO "MAIL FROM:<a@b> SIZE=-1\r\n",
     FEATURES "555 5.5.4 only SIZE= and BODY=7BIT or BODY=8BITMIME are known\r\n", ""},
    {"no brackets", LHLO "MAIL FROM:a@b\r\n", FEATURES "501 5.5.4 MAIL FROM:<address> expected\r\n", ""},
    {"bare CR in a path", LHLO "MAIL FROM:<a@\rb>\r\nMAIL FROM:<\"a\\\r\"@b>\r\n",
     FEATURES "501 5.5.4 MAIL FROM:<address> expected\r\n501 5.5.4 MAIL FROM:<address> expected\r\n", ""},
    {"text behind the path", LHLO "MAIL FROM:<a@b>x\r\n", FEATURES "501 5.5.4 MAIL FROM:<address> expected\r\n", ""},
    {"quoted bracket", LHLO "MAIL FROM:<\"a>\\\"b\"@c>\r\n", FEATURES "250 2.1.0 Ok\r\n", "mail(\"a>\\\"b\"@c,0)"},
    {"refused sender", LHLO "MAIL FROM:<later@b>\r\nRCPT TO:<x@y>\r\n",
     FEATURES "451 4.4.1 later\r\n503 5.5.1 MAIL first\r\n", "mail(later@b,0)"},
    {"second MAIL", LHLO "MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n",
     FEATURES "250 2.1.0 Ok\r\n503 5.5.1 a sender is given already\r\n", "mail(a@b,0)"},
    {"no recipient accepted", LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<no@y>\r\nDATA\r\n",
     FEATURES "250 2.1.0 Ok\r\n550 5.7.1 no\r\n503 5.5.1 no recipients\r\n", "mail(a@b,0)rcpt(no@y)"},
    {"RSET", LHLO "MAIL FROM:<a@b>\r\nRSET\r\nMAIL FROM:<c@d>\r\n",
     FEATURES "250 2.1.0 Ok\r\n250 2.0.0 Ok\r\n250 2.1.0 Ok\r\n", "mail(a@b,0)mail(c@d,0)"},
    {"one answer per accepted recipient, then the next message",
     LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<no@y>\r\nRCPT TO:<z@y>\r\nDATA\r\nS: x\r\n\r\nhi\r\n.\r\n"
          "MAIL FROM:<c@d>\r\n",
     FEATURES "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550 5.7.1 no\r\n250 2.1.5 Ok\r\n" READY
              "250 2.0.0 taken 1\r\n250 2.0.0 taken 2\r\n250 2.1.0 Ok\r\n",
     "mail(a@b,0)rcpt(x@y)rcpt(no@y)rcpt(z@y)messagemail(c@d,0)"},
    {"connection ends in the message", LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nS: x\r\n\r\nhi\r\n",
     FEATURES "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" READY, "mail(a@b,0)rcpt(x@y)broken"},
    {"unknown command, NOOP, VRFY", "XYZZY\r\nNOOP\r\nVRFY a\r\n",
     "500 5.5.2 unknown command\r\n250 2.0.0 Ok\r\n252 2.5.2 send mail to find out\r\n", ""},
};

static void test_dialogues(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(dialogues); i++) {
        gsize length = strlen(dialogues[i].input);
        g_autofree char *expected = g_strconcat(GREETING, dialogues[i].replies, NULL);

        for (gsize split = 0; split <= length; split++) {
            Seen seen = {0};
            g_autofree char *answered = serve_split(dialogues[i].input, length, split, &handlers, &seen);

            if (!g_str_equal(answered, expected) || !g_str_equal(seen.log->str, dialogues[i].log))
                print_error("%s, cut at %u\n", dialogues[i].what, (unsigned)split);
            assert_string_equal(answered, expected);
            assert_string_equal(seen.log->str, dialogues[i].log);
            seen_clear(&seen);
        }
    }
}

#define B(text) (text), sizeof(text) - 1

static const struct {
    const char *what;
    const char *wire; /* from the first byte after DATA to the end of the connection */
    gsize wire_length;
    const char *body;
    gsize body_length;
    gboolean ended;
} bodies[] = {
    {"plain", B("a\r\n.\r\n"), B("a\r\n"), TRUE},
    {"empty message", B(".\r\n"), B(""), TRUE},
    {"stuffed dots", B("..\r\n...x\r\n.\r\n"), B(".\r\n..x\r\n"), TRUE},
    {"dot inside a line", B("a.b.\r\n.\r\n"), B("a.b.\r\n"), TRUE},
    {"LF . LF is text", B("a\n.\nb\r\n.\r\n"), B("a\n.\nb\r\n"), TRUE},
    {"LF . CRLF is text", B("a\n.\r\nb\r\n.\r\n"), B("a\n.\r\nb\r\n"), TRUE},
    {"CRLF . LF is text", B("a\r\n.\nb\r\n.\r\n"), B("a\r\n\nb\r\n"), TRUE},
    {"CR . CR is text", B("a\r.\rb\r\n.\r\n"), B("a\r.\rb\r\n"), TRUE},
    {"CRLF . CR is text", B("a\r\n.\rb\r\n.\r\n"), B("a\r\n\rb\r\n"), TRUE},
    {"CR CR LF", B("a\r\r\n.\r\n"), B("a\r\r\n"), TRUE},
    {"CRLF . CR CR LF", B("a\r\n.\r\r\nb\r\n.\r\n"), B("a\r\n\r\r\nb\r\n"), TRUE},
    {"all kinds of bytes", B("\0\xff\x80\r\n.\r\n"), B("\0\xff\x80\r\n"), TRUE},
    {"no end", B("a\r\n.\r"), B("a\r\n"), FALSE},
    {"no end either", B("a\n.\n"), B("a\n.\n"), FALSE},
};

static void test_bodies(void **state)
{
    static const char before[] = LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n";

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GString) input = g_string_new(before);

        g_string_append_len(input, bodies[i].wire, (gssize)bodies[i].wire_length);
        if (bodies[i].ended)
            g_string_append(input, "NOOP\r\n");
        for (gsize split = sizeof before - 1; split <= input->len; split++) {
            Seen seen = {0};
            g_autofree char *answered = serve_split(input->str, input->len, split, &handlers, &seen);
            const char *end = bodies[i].ended ? READY "250 2.0.0 taken 1\r\n250 2.0.0 Ok\r\n" : READY;

            if (seen.body->len != bodies[i].body_length || !g_str_has_suffix(answered, end))
                print_error("%s, cut at %u: %s\n", bodies[i].what, (unsigned)split, answered);
            assert_int_equal(seen.body->len, bodies[i].body_length);
            assert_memory_equal(seen.body->str, bodies[i].body, bodies[i].body_length);
            assert_true(g_str_has_suffix(answered, end));
            seen_clear(&seen);
        }
    }
}

/* A handler that refuses without reading must not make the message's lines into commands. */
static void test_unread_body_is_no_command(void **state)
{
    static const char input[] = LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nQUIT\r\n\r\nQUIT\r\n.\r\nNOOP\r\n";
    Seen seen = {0};
    g_autofree char *answered = serve_split(input, sizeof input - 1, 10, &unread_handlers, &seen);

    (void)state;
    assert_true(g_str_has_suffix(answered, READY "550 5.7.1 unread\r\n250 2.0.0 Ok\r\n"));
    seen_clear(&seen);
}

static void test_long_line_is_dropped_whole(void **state)
{
    g_autoptr(GString) input = g_string_new(NULL);
    Seen seen = {0};

    (void)state;
    for (guint i = 0; i < 200000; i++)
        g_string_append_c(input, 'x');
    g_string_append(input, "\r\nNOOP\r\n");

    g_autofree char *answered = serve_split(input->str, input->len, 70000, &handlers, &seen);

    assert_string_equal(answered, GREETING "500 5.5.2 line too long\r\n250 2.0.0 Ok\r\n");
    seen_clear(&seen);
}

static void test_nul_is_no_command(void **state)
{
    static const char input[] = "NOOP\0\r\nNOOP\r\n";
    Seen seen = {0};
    g_autofree char *answered = serve_split(input, sizeof input - 1, 3, &handlers, &seen);

    (void)state;
    assert_string_equal(answered, GREETING "500 5.5.2 unknown command\r\n250 2.0.0 Ok\r\n");
    seen_clear(&seen);
}

static void test_errors_are_counted_refusals_are_not(void **state)
{
    g_autoptr(GString) refused = g_string_new(LHLO "MAIL FROM:<a@b>\r\n");
    g_autoptr(GString) wrong = g_string_new(NULL);
    Seen seen = {0};

    (void)state;
    for (guint i = 0; i < 10 * DM_LMTP_ERRORS_MAX; i++) {
        g_string_append(refused, "RCPT TO:<no@x>\r\n");
        g_string_append(wrong, "XYZZY\r\n");
    }
    g_string_append(refused, "NOOP\r\n");

    g_autofree char *first = serve_split(refused->str, refused->len, 5, &handlers, &seen);

    assert_true(g_str_has_suffix(first, "550 5.7.1 no\r\n250 2.0.0 Ok\r\n"));
    seen_clear(&seen);

    g_autofree char *second = serve_split(wrong->str, wrong->len, 5, &handlers, &seen);

    assert_true(g_str_has_suffix(second, "421 4.7.0 too many errors\r\n"));
    seen_clear(&seen);
}

/* Cancels when it is read first. */
typedef struct {
    GMemoryInputStream parent;
    GCancellable *idle;
    GCancellable *begun; /* or NULL */
} LastStream;
typedef struct {
    GMemoryInputStreamClass parent;
} LastStreamClass;
static GType last_stream_get_type(void);
G_DEFINE_TYPE(LastStream, last_stream, G_TYPE_MEMORY_INPUT_STREAM)

static gssize last_stream_read(GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                               GError **error)
{
    LastStream *last = (LastStream *)(void *)stream;

    if (g_cancellable_set_error_if_cancelled(cancellable, error)) /* as a socket does */
        return -1;

    gssize n = G_INPUT_STREAM_CLASS(last_stream_parent_class)->read_fn(stream, buffer, count, cancellable, error);

    g_cancellable_cancel(last->idle);
    if (last->begun)
        g_cancellable_cancel(last->begun);
    return n;
}

static void last_stream_class_init(LastStreamClass *class)
{
    G_INPUT_STREAM_CLASS(class)->read_fn = last_stream_read;
}

static void last_stream_init(LastStream *stream)
{
    (void)stream;
}

/* Everything has come when the server is told to stop; what else would come is waited for, or 421 is said. */
static void test_stop(void **state)
{
    static const char message[] = LHLO "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n.\r\n";
    static const struct {
        const char *first; /* message or "" */
        const char *second;
        gboolean begun; /* those who have begun are ended, too */
        gboolean told;
    } cases[] = {
        {"", "", FALSE, FALSE},
        {"", LHLO, FALSE, FALSE},
        {"", LHLO "MAIL FROM:<a@b>\r\n", FALSE, FALSE},
        {message, "", FALSE, TRUE},
        {message, "NOOP\r\n", FALSE, TRUE},
        {message, "MAIL FROM:<a@b>\r\n", FALSE, FALSE},
        {message, "MAIL FROM:<a@b>\r\nRSET\r\n", FALSE, TRUE},
        {"", LHLO, TRUE, TRUE},
        {message, "MAIL FROM:<a@b>\r\n", TRUE, TRUE},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GCancellable) idle = g_cancellable_new();
        g_autoptr(GCancellable) begun = g_cancellable_new();
        g_autofree char *input = g_strconcat(cases[i].first, cases[i].second, NULL);
        g_autoptr(GInputStream) in = g_object_new(last_stream_get_type(), NULL);

        ((LastStream *)(void *)in)->idle = idle;
        ((LastStream *)(void *)in)->begun = cases[i].begun ? begun : NULL;
        g_memory_input_stream_add_data(G_MEMORY_INPUT_STREAM(in), input, (gssize)strlen(input), NULL);

        const DmLmtpStop stop = {idle, begun};
        Seen seen = {0};
        g_autofree char *answered = serve(in, &stop, &handlers, &seen);

        assert_int_equal(g_str_has_suffix(answered, "421 4.3.2 shutting down\r\n"), cases[i].told);
        seen_clear(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_unread_body_is_no_command),
        cmocka_unit_test(test_long_line_is_dropped_whole),
        cmocka_unit_test(test_nul_is_no_command),
        cmocka_unit_test(test_errors_are_counted_refusals_are_not),
        cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
