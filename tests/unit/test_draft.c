/*
 * From the header in the queue to the header that the provider gets.
 */
#include "poller/draft.h"

#include <gmime/gmime.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SENDER "X-de-mail-sender: paul@gemeinde.de-mail.de\r\n"
#define FROM   "From: paul@gemeinde.de-mail.de\r\n"

static char *const strip[] = {"User-Agent", "X-Mailer", NULL};
static char *const erika[] = {"erika@muster.de-mail.de", NULL};
static char *const two[] = {"erika@muster.de-mail.de", "max@muster.de-mail.de", NULL};

/* Every address in gemeinde.example but ohne@ has a De-Mail address; stoerung@ can't be told. */
static gboolean map(const char *email, char **demail, gpointer data, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(email, -1);
    const char *at = strchr(lower, '@');

    (void)data;
    *demail = NULL;
    if (g_str_has_prefix(lower, "stoerung@")) {
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "no table");
        return FALSE;
    }
    if (at && g_str_equal(at, "@gemeinde.example") && !g_str_has_prefix(lower, "ohne@"))
        *demail = g_strdup_printf("%.*s@gemeinde.de-mail.de", (int)(at - lower), lower);
    else if (at && g_str_equal(at, "@gemeinde.de-mail.de"))
        *demail = g_strdup(email);
    return TRUE;
}

static const struct {
    const char *what;
    const char *queued;
    char *const *recipients;
    const char *draft; /* NULL: refused */
} cases[] = {
    {"From gets the De-Mail address, the name stays",
     SENDER "From: \"Paul Pr\303\274fer\" <paul@gemeinde.example>\r\nX-de-mail-chosen-recipient: "
            "to=erika@muster.de-mail.de\r\n",
     erika,
     SENDER "From: Paul =?UTF-8?b?UHLDvGZlcg==?= <paul@gemeinde.de-mail.de>\r\nX-de-mail-chosen-recipient: "
            "to=erika@muster.de-mail.de\r\n"},
    {"raw ISO-8859-1 in a name",
     SENDER "From: Pr\374fer <paul@gemeinde.example>\r\nX-de-mail-chosen-recipient: "
            "to=erika@muster.de-mail.de\r\n",
     erika,
     SENDER "From: =?UTF-8?b?UHLDvGZlcg==?= <paul@gemeinde.de-mail.de>\r\nX-de-mail-chosen-recipient: "
            "to=erika@muster.de-mail.de\r\n"},
    {"From is always made anew, what else needs no change stays byte for byte",
     SENDER
     "From:   \"Paul\"\r\n\t<PAUL@gemeinde.de-mail.de> (Amt)\r\nTo:  erika@muster.de-mail.de (Erika),\r\n "
     "\"M\374ller\" <x@y.example>\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\nSubject:Hallo\r\n",
     erika,
     SENDER
     "From: Paul <paul@gemeinde.de-mail.de>\r\nTo:  erika@muster.de-mail.de (Erika),\r\n "
     "\"M\374ller\" <x@y.example>\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\nSubject:Hallo\r\n"},
    {"own addresses in To and Cc are mapped, order, names and groups stay, other addresses too",
     SENDER FROM "To: Erika <erika@muster.de-mail.de>, Amt: anna@gemeinde.example, ohne@gemeinde.example;\r\n"
                 "Cc: \"Otto\" <OTTO@gemeinde.example>, x@y.example\r\nX-de-mail-chosen-recipient: "
                 "to=erika@muster.de-mail.de\r\n",
     erika,
     SENDER FROM "To: Erika <erika@muster.de-mail.de>, Amt: anna@gemeinde.de-mail.de,\r\n\tohne@gemeinde.example;\r\n"
                 "Cc: Otto <otto@gemeinde.de-mail.de>, x@y.example\r\nX-de-mail-chosen-recipient: "
                 "to=erika@muster.de-mail.de\r\n"},
    {"a divert suffix is cut off",
     SENDER FROM "To: erika@muster.de-mail.de.DEMAIL.invalid\r\nX-de-mail-chosen-recipient: "
                 "to=erika@muster.de-mail.de\r\n",
     erika, SENDER FROM "To: erika@muster.de-mail.de\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n"},
    {"Reply-To is mapped",
     SENDER FROM "Reply-To: Amt <amt@gemeinde.example>\r\nX-de-mail-chosen-recipient: "
                 "to=erika@muster.de-mail.de\r\n",
     erika,
     SENDER FROM "Reply-To: Amt <amt@gemeinde.de-mail.de>\r\nX-de-mail-chosen-recipient: "
                 "to=erika@muster.de-mail.de\r\n"},
    {"Reply-To that is a De-Mail address already stays",
     SENDER FROM "Reply-To:  amt@gemeinde.de-mail.de\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n",
     erika,
     SENDER FROM "Reply-To:  amt@gemeinde.de-mail.de\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n"},
    {"Reply-To that has no De-Mail address goes",
     SENDER FROM "Reply-To: amt@gemeinde.example, x@y.example\r\nReply-To: x@y.example\r\n"
                 "X-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n",
     erika, SENDER FROM "X-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n"},
    {"what no provider shall see goes",
     "X-Demail-Stamp: v=1\r\nReceived: a\r\nReceived: b\r\nReturn-Path: <paul@gemeinde.example>\r\n" SENDER FROM
     "Sender: x@y.example\r\nBcc: geheim@y.example\r\nResent-Bcc: z@y.example\r\nDelivered-To: d\r\nX-Original-To: "
     "o\r\n"
     "Envelope-To: e\r\nuser-agent: U\r\nX-Mailer: M\r\nX-demail-foo: x\r\nX-Other: kept\r\n"
     "X-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n",
     erika, SENDER FROM "X-Other: kept\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n"},
    {"a recipient in neither To nor Cc is hidden",
     SENDER FROM "X-de-mail-chosen-recipient: to=Erika@Muster.de-mail.de\r\n", two,
     SENDER FROM "X-de-mail-chosen-recipient: to=Erika@Muster.de-mail.de;\r\n bcc=max@muster.de-mail.de\r\n"},
    {"Cc counts as shown",
     SENDER FROM "X-de-mail-chosen-recipient: to=erika@muster.de-mail.de; cc=max@muster.de-mail.de\r\n", two,
     SENDER FROM "X-de-mail-chosen-recipient: to=erika@muster.de-mail.de; cc=max@muster.de-mail.de\r\n"},
    {"all hidden", SENDER FROM, two,
     "X-de-mail-chosen-recipient: bcc=erika@muster.de-mail.de,\r\n max@muster.de-mail.de\r\n" SENDER FROM},
    {"no sender", FROM, erika, NULL},
    {"two senders", SENDER SENDER FROM, erika, NULL},
    {"a sender that is no plain address", "X-de-mail-sender: paul@gemeinde.\303\274\r\n" FROM, erika, NULL},
    {"a comment that does not end",
     SENDER FROM "To: anna@gemeinde.example (Anna\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n", erika,
     SENDER FROM "To: anna@gemeinde.example (Anna\r\nX-de-mail-chosen-recipient: to=erika@muster.de-mail.de\r\n"},
    {"two addresses in From", SENDER "From: a@gemeinde.example, b@gemeinde.example\r\n", erika, NULL},
    {"no From", SENDER, erika, NULL},
    {"unreadable list of recipients", SENDER FROM "X-de-mail-chosen-recipient: an=erika@muster.de-mail.de\r\n", erika,
     NULL},
};

static const DmDraft *make_draft(DmDraft *draft, char *const *recipients)
{
    *draft = (DmDraft){.divert_domain = "demail.invalid", .strip_headers = strip, .recipients = recipients, .map = map};
    return draft;
}

static void test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DmHeaders) headers = dm_headers_parse(cases[i].queued, strlen(cases[i].queued), &error);
        g_autoptr(GString) out = g_string_new(NULL);
        DmDraft draft;

        assert_non_null(headers);

        gboolean ok = dm_draft_make(make_draft(&draft, cases[i].recipients), headers, &error);

        if (ok != (cases[i].draft != NULL))
            print_error("%s: %s\n", cases[i].what, error ? error->message : "was not refused");
        assert_int_equal(ok, cases[i].draft != NULL);
        if (!ok) {
            assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_PERMANENT));
            continue;
        }
        dm_headers_write(headers, out);
        if (!g_str_equal(out->str, cases[i].draft))
            print_error("%s\n", cases[i].what);
        assert_string_equal(out->str, cases[i].draft);
    }
}

static void test_table_error_is_temporary(void **state)
{
    static const char queued[] = SENDER FROM "To: stoerung@gemeinde.example\r\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(DmHeaders) headers = dm_headers_parse(queued, sizeof queued - 1, &error);
    DmDraft draft;

    (void)state;
    assert_non_null(headers);
    assert_false(dm_draft_make(make_draft(&draft, erika), headers, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_TEMPORARY));
}

static void test_long_lists_are_folded(void **state)
{
    g_autoptr(GString) queued = g_string_new(SENDER FROM "To: ");
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    DmDraft draft;

    (void)state;
    for (guint i = 0; i < 200; i++)
        g_string_append_printf(queued, "%s\"Nachname, Vorname\" <person%u@gemeinde.example>", i ? ",\r\n " : "", i);
    g_string_append(queued, "\r\n");

    g_autoptr(DmHeaders) headers = dm_headers_parse(queued->str, queued->len, &error);

    assert_non_null(headers);
    assert_true(dm_draft_make(make_draft(&draft, erika), headers, &error));
    dm_headers_write(headers, out);

    g_auto(GStrv) lines = g_strsplit(out->str, "\r\n", -1);

    for (char **line = lines; *line; line++)
        assert_true(strlen(*line) <= 78);

    gboolean clean;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(dm_headers_get(headers, "To", 0), &clean);

    assert_true(clean);
    assert_int_equal(mailboxes->len, 200);
    for (guint i = 0; i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        g_autofree char *expected = g_strdup_printf("person%u@gemeinde.de-mail.de", i);

        assert_string_equal(mailbox->address, expected);
        assert_string_equal(mailbox->name, "Nachname, Vorname");
    }
}

/* GMime recurses into groups: so many of them would end the poller. */
static void test_crowded_list(void **state)
{
    g_autoptr(GString) queued = g_string_new(SENDER FROM "To: ");
    DmDraft draft;

    (void)state;
    for (guint i = 0; i < 300000; i++)
        g_string_append(queued, "g:");
    g_autoptr(DmHeaders) headers = dm_headers_parse(queued->str, queued->len, NULL);
    assert_non_null(headers);
    assert_true(dm_draft_make(make_draft(&draft, erika), headers, NULL));
    assert_int_equal(strlen(dm_headers_get(headers, "To", 0)), 1 + 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_table_error_is_temporary),
        cmocka_unit_test(test_long_lists_are_folded),
        cmocka_unit_test(test_crowded_list),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
