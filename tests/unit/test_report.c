/*
 * The report that a De-Mail can't be delivered, read by a MIME parser as a client reads it.
 */
#include "poller/report.h"

#include "tests/unit/support.h"

#include <fcntl.h>
#include <gmime/gmime.h>
#include <string.h>
#include <unistd.h>

/* Lines that a careless writer would change: a blank at the end, "From ", a dot, 8 bits, no final line end. */
#define NOTIFICATION                                                                                                   \
    "Subject: =?utf-8?q?Nicht_zustellbar=3A_Gr=C3=BC=C3=9Fe?=\r\n"                                                     \
    "X-de-mail-originator-provider: mail.beta.de-mail.de\r\n"                                                          \
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"                                                                  \
    "Text \r\nFrom hier\r\n.\r\n--x--\r\nGr\303\274\303\237e\r\n\r\nEnde"

/* `subject` NULL: the notification's own. */
static GMimeMessage *make_with_subject(const char *folder, DmLanguage language, const char *type, const char *subject)
{
    static char *domains[] = {(char *)"gemeinde.example", NULL};
    g_autofree char *path = ts_write(folder, "notification", NOTIFICATION);
    g_autofree char *out = g_build_filename(folder, "report", NULL);
    g_autoptr(DmHeaders) headers =
        dm_headers_parse(NOTIFICATION, (gsize)(strstr(NOTIFICATION, "\r\n\r\n") + 2 - NOTIFICATION), NULL);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(DmStatement) statement = dm_statement_new();
    const DmTenantConfig tenant = {
        .name = (char *)"gemeinde", .email_domains = domains, .bounce_address = (char *)"postmaster@gemeinde.example"};
    const DmSentMessage message = {.time = 1767225600, .email = (char *)"max@gemeinde.example"};
    int fds[] = {open(path, O_RDONLY), open(out, O_RDWR | O_CREAT | O_TRUNC, 0600)};
    const DmReport report = {language, &tenant, &message, recipients, statement, headers, fds[0], "n-1"};
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *body = NULL;

    if (subject)
        dm_headers_replace(headers, "Subject", 1, subject);
    g_ptr_array_add(recipients, (char *)"erika@muster.de-mail.de");
    g_ptr_array_add(recipients, (char *)"otto@normal.de-mail.de");
    g_free(statement->notification_type);
    statement->notification_type = g_strdup(type);
    g_free(statement->text);
    statement->text = g_strdup("Unbekannt: Müller");
    statement->time = 1767229200;

    g_autoptr(DmHeaders) head = dm_report_make(&report, fds[1], NULL);

    assert_non_null(head);
    close(fds[0]);
    close(fds[1]);
    assert_true(g_file_get_contents(out, &body, NULL, NULL));
    dm_headers_write(head, text);
    g_string_append_printf(text, "\r\n%s", body);

    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text->str, text->len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *parsed = g_mime_parser_construct_message(parser, NULL);

    g_object_unref(parser);
    g_object_unref(stream);
    return parsed;
}

static GMimeMessage *make(const char *folder, DmLanguage language, const char *type)
{
    return make_with_subject(folder, language, type, NULL);
}

static GMimeObject *part_of(GMimeMessage *message, int index)
{
    return g_mime_multipart_get_part(GMIME_MULTIPART(g_mime_message_get_mime_part(message)), index);
}

/* The content of a part, decoded, with its line ends. */
static char *content_of(GMimeMessage *message, int index)
{
    GMimeStream *stream = g_mime_stream_mem_new();
    GByteArray *bytes;
    char *text;

    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(part_of(message, index))), stream);
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    text = g_strndup((const char *)bytes->data, bytes->len);
    g_object_unref(stream);
    return text;
}

static void test_structure(void **state)
{
    GMimeMessage *message = make(*state, DM_LANGUAGE_EN, "unknown-recipient");
    GMimeObject *mime = g_mime_message_get_mime_part(message);
    GMimeContentType *type = g_mime_object_get_content_type(mime);
    g_autofree char *status = content_of(message, 1);

    assert_true(g_mime_content_type_is_type(type, "multipart", "report"));
    assert_string_equal(g_mime_content_type_get_parameter(type, "report-type"), "delivery-status");
    assert_int_equal(g_mime_multipart_get_count(GMIME_MULTIPART(mime)), 3);
    assert_true(g_mime_content_type_is_type(g_mime_object_get_content_type(part_of(message, 0)), "text", "plain"));
    assert_true(
        g_mime_content_type_is_type(g_mime_object_get_content_type(part_of(message, 1)), "message", "delivery-status"));
    assert_string_equal(g_mime_message_get_subject(message), "Nicht zustellbar: Grüße");
    assert_non_null(g_mime_message_get_message_id(message));
    assert_non_null(strstr(status, "\r\n\r\nOriginal-Recipient: rfc822; erika@muster.de-mail.de\r\n"
                                   "Final-Recipient: rfc822; erika@muster.de-mail.de\r\n"
                                   "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mail.beta.de-mail.de\r\n"
                                   "Diagnostic-Code: x-demail; unknown-recipient\r\nLast-Attempt-Date: "));
    assert_non_null(strstr(status, "\r\n\r\nOriginal-Recipient: rfc822; otto@normal.de-mail.de\r\n"));
    assert_true(g_str_has_prefix(status, "Reporting-MTA: dns; "));
    assert_non_null(strstr(status, "\r\nArrival-Date: Thu, 01 Jan 2026 "));
    g_object_unref(message);
}

/* Encoded, it would be larger than a header may be. */
static void test_endless_subject(void **state)
{
    g_autoptr(GString) subject = g_string_new(NULL);

    while (subject->len < 900000)
        g_string_append(subject, "ä");

    GMimeMessage *message = make_with_subject(*state, DM_LANGUAGE_EN, "unknown-recipient", subject->str);

    assert_true(g_str_has_prefix(g_mime_message_get_subject(message), "ääää"));
    assert_int_equal(g_utf8_strlen(g_mime_message_get_subject(message), -1), 500);
    g_object_unref(message);
}

/* Or its hash would not fit any more. */
static void test_notification_is_unchanged(void **state)
{
    GMimeMessage *message = make(*state, DM_LANGUAGE_EN, "unknown-recipient");
    g_autofree char *path = g_build_filename(*state, "report", NULL);
    g_autofree char *body = NULL;

    assert_true(g_file_get_contents(path, &body, NULL, NULL));
    assert_non_null(strstr(body, "\r\n\r\n" NOTIFICATION "\r\n--"));
    g_object_unref(message);
}

static void test_languages_and_types(void **state)
{
    static const struct {
        DmLanguage language;
        const char *type;
        const char *text;
        const char *status;
    } cases[] = {
        {DM_LANGUAGE_EN, "unknown-recipient", "the recipient is unknown", "Status: 5.1.1\r\n"},
        {DM_LANGUAGE_EN, "unknown-recipient", "\nIt was sent on 2026-01-01 at ", "Status: 5.1.1\r\n"},
        {DM_LANGUAGE_DE, "unknown-recipient", "\nSie wurde am 01.01.2026 um ", "Status: 5.1.1\r\n"},
        {DM_LANGUAGE_DE, "unknown-recipient", "der Empfänger ist unbekannt", "Status: 5.1.1\r\n"},
        {DM_LANGUAGE_DE, "closed-account", "das Konto ist geschlossen", "Status: 5.2.1\r\n"},
        {DM_LANGUAGE_EN, "invalid-format", "invalid format", "Status: 5.6.0\r\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GMimeMessage *message = make(*state, cases[i].language, cases[i].type);
        g_autofree char *text = content_of(message, 0);
        g_autofree char *status = content_of(message, 1);

        assert_non_null(strstr(text, cases[i].text));
        assert_non_null(strstr(text, "Unbekannt: Müller"));
        assert_non_null(strstr(text, "<otto@normal.de-mail.de>"));
        assert_non_null(strstr(status, cases[i].status));
        g_object_unref(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_structure, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_endless_subject, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_notification_is_unchanged, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_languages_and_types, ts_set_up, ts_tear_down),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
