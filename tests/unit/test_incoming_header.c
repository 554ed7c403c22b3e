/*
 * What the user's client is told about a De-Mail: X-Demail-Status, Authentication-Results, the thread.
 */
#include "poller/incoming_header.h"

#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <string.h>

#define FIELDS                                                                                                         \
    "Authentication-Results: gemeinde.example; x-demail=pass\r\n"                                                      \
    "X-Demail-Status: verified=pass\r\n"                                                                               \
    "X-de-mail-private: yes\r\nX-de-mail-auth-level: high\r\n"                                                         \
    "X-de-mail-sender: erika@muster.de-mail.de\r\nSubject: Bescheid\r\n"

static int set_up(void **state)
{
    DmJudgement *judgement = g_new0(DmJudgement, 1);

    *judgement = (DmJudgement){DM_VERIFIED_PASS, TRUE, dm_findings_new()};
    *state = judgement;
    return 0;
}

static int tear_down(void **state)
{
    dm_judgement_clear(*state);
    g_free(*state);
    return 0;
}

/* The marked header as it goes to the MTA. */
static char *mark(const char *block, const DmJudgement *judgement, const char *thread)
{
    g_autoptr(DmHeaders) headers = dm_headers_parse(block, strlen(block), NULL);
    const DmIncomingMark mark = {headers, judgement, "gemeinde.example", "", thread, FALSE};
    GString *text = g_string_new(NULL);

    dm_incoming_mark(headers, &mark);
    dm_headers_write(headers, text);
    return g_string_free(text, FALSE);
}

static void assert_marked(const DmJudgement *judgement, const char *results, const char *status)
{
    g_autofree char *text = mark(FIELDS, judgement, NULL);
    g_autofree char *expected =
        g_strconcat("Authentication-Results: gemeinde.example;\r\n x-demail=", results,
                    "\r\nX-Demail-Status: verified=", status, "\r\nX-de-mail-private: yes\r\n", NULL);

    assert_true(g_str_has_prefix(text, expected));
    assert_null(strstr(text + strlen(expected), "X-Demail-"));
    assert_null(strstr(text + strlen(expected), "Authentication-Results"));
}

static void test_signed(void **state)
{
    DmJudgement *judgement = *state;

    judgement->findings->signer = g_strdup("CN=Siegel \"A\",O=Müller\n;C=DE");
    assert_marked(judgement, "pass (signed)\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "pass;\r\n signed=\"CN=Siegel \\\"A\\\",O=Mueller ;C=DE\";\r\n auth-level=high; options=private");
}

static void test_hash(void **state)
{
    assert_marked(*state, "pass (hash)\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "pass;\r\n signed=no;\r\n auth-level=high; options=private");
}

static void test_seal_that_can_not_be_judged(void **state)
{
    DmJudgement *judgement = *state;

    judgement->seal_judged = FALSE;
    judgement->findings->signer = g_strdup("CN=Siegel");
    assert_marked(judgement, "pass (hash)\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "pass;\r\n signed=no;\r\n auth-level=high; options=private");
}

static void test_failed(void **state)
{
    DmJudgement *judgement = *state;

    judgement->verified = DM_VERIFIED_FAIL;
    judgement->findings->signer = g_strdup("CN=Siegel");
    dm_findings_fail(judgement->findings, "integrity.body-hash");
    dm_findings_fail(judgement->findings, "value.auth-level");
    assert_marked(judgement,
                  "fail\r\n reason=\"integrity.body-hash,\r\n value.auth-level\""
                  "\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "fail;\r\n signed=no;\r\n auth-level=high; options=private;\r\n"
                  " reason=integrity.body-hash,\r\n value.auth-level");
}

/* The provider knows the sender; what From shows is the author's own. */
static void test_other_author(void **state)
{
    DmJudgement *judgement = *state;

    dm_findings_warn(judgement->findings, "sender.from-differs");
    assert_marked(judgement, "pass (hash)\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "pass;\r\n signed=no;\r\n auth-level=high; options=private;\r\n from=differs");
}

static void test_none(void **state)
{
    DmJudgement *judgement = *state;

    judgement->verified = DM_VERIFIED_NONE;
    dm_findings_fail(judgement->findings, "header.missing");
    assert_marked(judgement, "none\r\n header.x-de-mail-sender=erika@muster.de-mail.de",
                  "none;\r\n signed=no;\r\n auth-level=high; options=private");
}

static void test_thread(void **state)
{
    static const struct {
        const char *before;
        gboolean kept;
    } cases[] = {
        {"Subject: x\r\n", FALSE},
        {"In-Reply-To: <other@x>\r\nReferences: <other@x>\r\n", FALSE},
        {"In-Reply-To: <1@x>\r\nReferences: <0@x>\r\n <1@x>\r\n", TRUE},
        {"In-Reply-To: <1@x>\r\nIn-Reply-To: <2@x>\r\nReferences: <2@x>\r\n", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = mark(cases[i].before, *state, "<1@x>");

        assert_int_equal(strstr(text, cases[i].before) != NULL && i > 0, cases[i].kept);
        assert_non_null(strstr(text, "In-Reply-To: <1@x>\r\n"));
        assert_true(strstr(text, "References: <1@x>\r\n") != NULL || cases[i].kept);
        assert_null(strstr(text, "<2@x>"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_seal_that_can_not_be_judged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_author, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_thread, set_up, tear_down),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
