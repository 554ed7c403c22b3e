#include "poller/reply.h"
#include "tests/unit/support.h"

#include <string.h>

#define REPLY_LINE_MAX 512 /* RFC 5321 4.5.3.1.5, with the line end */

static const DmLanguage languages[] = {DM_LANGUAGE_EN, DM_LANGUAGE_DE};

/* "550 5.1.1 text", all of it printable ASCII. */
static void assert_line(const char *line)
{
    if (!g_regex_match_simple("^(250|45[0-9]|55[0-9]) ([245])\\.\\d\\.\\d [ -~]+$", line, 0, 0) || line[0] != line[4] ||
        strlen(line) + 2 > REPLY_LINE_MAX || strstr(line, "$") != NULL || strstr(line, "(null)") != NULL)
        fail_msg("%s", line);
}

static void test_every_reply(void **state)
{
    (void)state;
    for (guint i = 0; i < DM_REPLY_COUNT; i++) {
        g_autofree char *en = dm_reply((DmReply)i, DM_LANGUAGE_EN, "erika@muster.de-mail.de", "4711");
        g_autofree char *de = dm_reply((DmReply)i, DM_LANGUAGE_DE, "erika@muster.de-mail.de", "4711");

        assert_line(en);
        assert_line(de);
        assert_memory_equal(en, de, strlen("550 5.1.1"));
        assert_string_not_equal(en, de);
    }
}

static void test_umlauts_and_line_ends(void **state)
{
    DmSent sent = {.state = DM_SENT_REFUSED, .code = (char *)"mailbox-full", .detail = (char *)"groß\r\n250 ok €"};

    (void)state;
    g_autofree char *line = dm_reply_sent("erika@muster.de-mail.de", &sent, DM_LANGUAGE_DE);
    assert_line(line);
    assert_string_equal(line,
                        "550 5.2.2 <erika@muster.de-mail.de>: der De-Mail-Anbieter hat die De-Mail abgelehnt: das "
                        "Postfach des Empfaengers ist voll (mailbox-full): gross  250 ok EUR");
}

static void test_what_the_provider_says(void **state)
{
    static const struct {
        DmSentState state;
        const char *code;
        const char *detail;
        const char *begin[2];
    } cases[] = {
        {DM_SENT_ACCEPTED,
         "",
         "",
         {"250 2.0.0 <a@b.c>: accepted by the De-Mail provider, id 0815",
          "250 2.0.0 <a@b.c>: accepted by the De-Mail provider, id 0815"}},
        {DM_SENT_REFUSED,
         "unknown-recipient",
         "no such user",
         {"550 5.1.1 <a@b.c>: the De-Mail provider refused it: the recipient is unknown (unknown-recipient): no such "
          "user",
          "550 5.1.1 <a@b.c>: der De-Mail-Anbieter hat die De-Mail abgelehnt: der Empfaenger ist unbekannt "
          "(unknown-recipient): "
          "no such user"}},
        {DM_SENT_REFUSED,
         "something-new",
         "",
         {"550 5.0.0 <a@b.c>: the De-Mail provider refused it (something-new)",
          "550 5.0.0 <a@b.c>: der De-Mail-Anbieter hat die De-Mail abgelehnt (something-"
          "new)"}},
        {DM_SENT_DEFERRED,
         "daily-limit",
         "",
         {"451 4.7.0 <a@b.c>: the De-Mail provider deferred it: the daily limit is reached (daily-limit)",
          "451 4.7.0 <a@b.c>: der De-Mail-Anbieter hat die De-Mail zurueckgestellt: die Tagesgrenze ist erreicht "
          "(daily-limit)"}},
        {DM_SENT_DEFERRED,
         "",
         "",
         {"451 4.3.0 <a@b.c>: the De-Mail provider deferred it",
          "451 4.3.0 <a@b.c>: der De-Mail-Anbieter hat die De-Mail zurueckgestellt"}},
        {DM_SENT_SUBMITTING, "", "", {"451 4.4.2 ", "451 4.4.2 "}},
        {DM_SENT_UNKNOWN, "", "", {"451 4.3.0 <a@b.c>: ", "451 4.3.0 <a@b.c>: "}},
        {DM_SENT_REFUSED, DM_CODE_DROPPED, "", {"550 5.3.0 <a@b.c>: given up", "550 5.3.0 <a@b.c>: von der"}},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const DmSent sent = {.state = cases[i].state,
                             .provider_id = (char *)"0815",
                             .code = (char *)cases[i].code,
                             .detail = (char *)cases[i].detail};
        for (gsize j = 0; j < G_N_ELEMENTS(languages); j++) {
            g_autofree char *line = dm_reply_sent("a@b.c", &sent, languages[j]);
            assert_line(line);
            if (!g_str_has_prefix(line, cases[i].begin[languages[j]]))
                fail_msg("%s", line);
        }
    }
}

static void test_long_words_are_cut(void **state)
{
    g_autofree char *words = g_strnfill(5000, 'x');
    const DmSent sent = {.state = DM_SENT_REFUSED, .code = words, .detail = words};

    (void)state;
    g_autofree char *line = dm_reply_sent("a@b.c", &sent, DM_LANGUAGE_EN);
    assert_line(line);
    assert_true(strlen(line) > 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_reply),
        cmocka_unit_test(test_umlauts_and_line_ends),
        cmocka_unit_test(test_what_the_provider_says),
        cmocka_unit_test(test_long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
