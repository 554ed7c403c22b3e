/*
 * Messages in an mbox and back: octet for octet, however they come in pieces.
 */
#include "ctl/export_mbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static GString *encode(const char *message, gsize length, gboolean crlf, gsize piece)
{
    DmMbox mbox = {.crlf = crlf};
    GString *file = g_string_new(NULL);

    for (gsize i = 0; i < length; i += piece)
        dm_mbox_write(&mbox, message + i, MIN(piece, length - i), file);
    dm_mbox_write_end(&mbox, file);
    return file;
}

static GString *decode(const GString *file, gboolean crlf, gsize piece)
{
    DmMbox mbox = {.crlf = crlf};
    GString *message = g_string_new(NULL);

    for (gsize i = 0; i < file->len; i += piece)
        dm_mbox_read(&mbox, file->str + i, MIN(piece, file->len - i), message);
    dm_mbox_read_end(&mbox, message);
    return message;
}

static void check(const char *message, gboolean crlf, const char *expected)
{
    gsize length = strlen(message);

    for (gsize piece = 1; piece <= length + 1; piece++) {
        GString *file = encode(message, length, crlf, piece);
        GString *back = decode(file, crlf, piece);

        assert_string_equal(file->str, expected);
        assert_true(back->len > length);
        assert_memory_equal(back->str, message, length);
        assert_true(strspn(back->str + length, "\r\n") == back->len - length);
        g_string_free(file, TRUE);
        g_string_free(back, TRUE);
    }
}

static void test_quoting(void **state)
{
    (void)state;
    check("From a\r\n>From b\r\n>>From c\r\n From d\r\nFrom\r\nFrom: e\r\n", TRUE,
          ">From a\n>>From b\n>>>From c\n From d\nFrom\nFrom: e\n\n");
    check("x: 1\r\n\r\n>\r\n>>>\r\n>Fro\r\nFroFrom \r\n>F>From \r\n", TRUE,
          "x: 1\n\n>\n>>>\n>Fro\nFroFrom \n>F>From \n\n");
    check("FFrom \r\nFrFrom \r\n", TRUE, "FFrom \nFrFrom \n\n");
}

static void test_last_line_without_end(void **state)
{
    (void)state;
    check("", TRUE, "\n");
    check("\r\n", TRUE, "\n\n");
    check("a", TRUE, "a\n\n");
    check("a\r\nFrom", TRUE, "a\nFrom\n\n");
    check("a\r\n>>", TRUE, "a\n>>\n\n");
    check("a\r\nFrom ", TRUE, "a\n>From \n\n");
    check("a\r", TRUE, "a\r\n\n");
    check("a", FALSE, "a\n\n");
}

static void test_carriage_returns(void **state)
{
    (void)state;
    check("a\rb\r\r\nc\r\n\r\r", TRUE, "a\rb\r\nc\n\r\r\n\n");
    check("a\rFrom \r\n", TRUE, "a\rFrom \n\n");
    check("\rFrom \r\n", TRUE, "\rFrom \n\n");
}

/* Lines that end with LF, or some with the one and some with the other. */
static void test_as_it_is(void **state)
{
    (void)state;
    check("a\nFrom b\r\n>From c\n", FALSE, "a\n>From b\r\n>>From c\n\n");
}

static void test_from_line(void **state)
{
    g_autofree char *line = dm_mbox_from_line("amt@gemeinde.de-mail.de", 1772452800);
    g_autofree char *strange = dm_mbox_from_line("a b@c\nFrom d", G_MAXINT64);

    (void)state;
    assert_string_equal(line, "From amt@gemeinde.de-mail.de Mon Mar  2 12:00:00 2026\n");
    assert_string_equal(strange, "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting),          cmocka_unit_test(test_last_line_without_end),
        cmocka_unit_test(test_carriage_returns), cmocka_unit_test(test_as_it_is),
        cmocka_unit_test(test_from_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
