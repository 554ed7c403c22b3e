/*
 * The JSON of the REST API, also as no provider should write it.
 */
#include "provider/rest_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_problems(void **state)
{
    static const struct {
        const char *text;
        const char *code;
        const char *detail;
        gboolean retryable;
        gboolean refusal;
    } cases[] = {
        {"{\"type\":\"urn:demail:problem:unknown-recipient\",\"detail\":\"nobody\\r\\n here\",\"retryable\":false}",
         "unknown-recipient", "nobody   here", FALSE, TRUE},
        {"{\"type\":\"urn:demail:problem:unknown-recipient\",\"retryable\":true}", "unknown-recipient", "", TRUE,
         FALSE},
        {"{\"type\":\"urn:demail:problem:made-up\",\"retryable\":false}", "made-up", "", FALSE, FALSE},
        {"{\"type\":\"urn:demail:problem:mailbox-full\"}", "mailbox-full", "", FALSE, FALSE},
        {"{\"type\":\"about:blank\",\"retryable\":false}", "http-503", "", TRUE, FALSE},
        {"{\"type\":17}", "http-503", "", TRUE, FALSE},
        {"<html>", "http-503", "", TRUE, FALSE},
        {"[]", "http-503", "", TRUE, FALSE},
        {"", "http-503", "", TRUE, FALSE},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmProblem problem;

        dm_problem_parse(503, cases[i].text, strlen(cases[i].text), &problem);
        assert_string_equal(problem.code, cases[i].code);
        assert_string_equal(problem.detail, cases[i].detail);
        assert_int_equal(problem.retryable, cases[i].retryable);
        assert_int_equal(dm_problem_is_refusal(&problem), cases[i].refusal);
        dm_problem_clear(&problem);
    }
}

static void test_outcome(void **state)
{
    static const char text[] = "{\"id\":\"p-1\",\"recipients\":["
                               "{\"address\":\"A@x.de-mail.de\",\"status\":\"accepted\"},"
                               "{\"address\":\"b@x.de-mail.de\",\"status\":\"refused\",\"code\":\"malware\"},"
                               "{\"address\":\"c@x.de-mail.de\",\"status\":\"deferred\"},"
                               "{\"address\":\"d@x.de-mail.de\",\"status\":\"in-progress\"},"
                               "{\"address\":\"e@x.de-mail.de\",\"status\":\"Accepted\"},"
                               "{\"address\":\"f@x.de-mail.de\"}]}";
    static const struct {
        const char *address;
        DmResultKind kind;
    } expected[] = {{"a@x.de-mail.de", DM_RESULT_ACCEPTED}, {"b@x.de-mail.de", DM_RESULT_REFUSED},
                    {"c@x.de-mail.de", DM_RESULT_DEFERRED}, {"d@x.de-mail.de", DM_RESULT_IN_PROGRESS},
                    {"e@x.de-mail.de", DM_RESULT_UNKNOWN},  {"f@x.de-mail.de", DM_RESULT_UNKNOWN}};
    g_autoptr(DmOutcome) outcome = dm_rest_outcome_parse(text, sizeof text - 1, NULL);

    (void)state;
    assert_non_null(outcome);
    assert_string_equal(outcome->id, "p-1");
    assert_int_equal(outcome->results->len, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        assert_int_equal(dm_outcome_find(outcome, expected[i].address)->kind, expected[i].kind);
    assert_string_equal(dm_outcome_find(outcome, "b@x.de-mail.de")->code, "malware");
    assert_null(dm_outcome_find(outcome, "g@x.de-mail.de"));
}

static void test_unusable_outcomes(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"id\":\"p\",\"recipients\":{}}",
                                        "{\"recipients\":[],\"recipients\":[]}",
                                        "{\"recipients\":[17]}",
                                        "{\"recipients\":[{\"status\":\"accepted\"}]}",
                                        "{\"recipients\":[{\"address\":\"a@b\",\"status\":\"accepted\"},"
                                        "{\"address\":\"A@b\",\"status\":\"refused\"}]}",
                                        "{\"recipients\":[]} and more"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(dm_rest_outcome_parse(texts[i], strlen(texts[i]), &error));
        assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_TEMPORARY));
    }
}

static void entry_free(gpointer entry)
{
    dm_entry_free(entry);
}

static void test_entries(void **state)
{
    static const char text[] =
        "{\"messages\":[{\"id\":\"1\",\"size\":5,\"type\":\"normal\",\"private_id\":\"AZ\","
        "\"received\":\"2026-03-02T12:00:00Z\",\"recipients\":[\"a@x\",3,\"b@x\"]},{\"id\":\"2\","
        "\"size\":-1,\"received\":\"2026-03-02T12:00:00\"}],\"cursor\":\"next\"}";
    static const char *const unusable[] = {"{\"messages\":[{\"id\":\"\"}]}", "{\"messages\":[{}]}", "{\"messages\":{}}",
                                           "{}", "null"};
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(entry_free);
    g_autofree char *cursor = NULL;

    (void)state;
    assert_true(dm_rest_entries_parse(text, sizeof text - 1, entries, &cursor, NULL));
    assert_string_equal(cursor, "next");
    assert_int_equal(entries->len, 2);

    const DmEntry *first = g_ptr_array_index(entries, 0);
    const DmEntry *second = g_ptr_array_index(entries, 1);

    assert_string_equal(first->private_id, "AZ");
    assert_string_equal(first->recipients[1], "b@x");
    assert_null(first->recipients[2]);
    assert_int_equal(first->size, 5);
    assert_int_equal(first->received, 1772452800);
    assert_string_equal(second->type, "");
    assert_int_equal(second->size, 0);
    assert_int_equal(second->received, 0);
    assert_null(second->recipients[0]);
    for (gsize i = 0; i < G_N_ELEMENTS(unusable); i++) {
        g_autofree char *none = NULL;

        assert_false(dm_rest_entries_parse(unusable[i], strlen(unusable[i]), entries, &none, NULL));
        assert_null(none);
    }
}

static void test_session_and_account(void **state)
{
    static const char good[] = "{\"token\":\"t\",\"expires_in\":60}";
    static const char *const bad[] = {"{\"token\":\"\"}", "{\"token\":\"a\\r\\nb\"}", "{}", "x"};
    static const char full_account_text[] = "{\"quota\":{\"used\":5,\"total\":10},"
                                            "\"password_expires\":\"2027-01-31T01:00:00+01:00\"}";
    static const char account_text[] = "{\"limits\":{\"message_size\":7,\"recipients\":8}}";
    DmRestSession session;
    DmAccount account;

    (void)state;
    assert_true(dm_rest_session_parse(good, sizeof good - 1, &session, NULL));
    assert_string_equal(session.token, "t");
    assert_int_equal(session.expires_in, 60);
    g_free(session.token);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(dm_rest_session_parse(bad[i], strlen(bad[i]), &session, NULL));
        assert_null(session.token);
    }
    assert_true(dm_rest_account_parse(account_text, sizeof account_text - 1, &account, NULL));
    assert_int_equal(account.message_size_max, 7);
    assert_int_equal(account.recipients_max, 8);
    assert_int_equal(account.quota_total, 0);
    assert_int_equal(account.password_expires, 0);
    assert_true(dm_rest_account_parse(full_account_text, sizeof full_account_text - 1, &account, NULL));
    assert_int_equal(account.quota_used, 5);
    assert_int_equal(account.quota_total, 10);
    assert_int_equal(account.password_expires, 1801353600);
    assert_false(dm_rest_account_parse("x", 1, &account, NULL));
}

static void test_requests(void **state)
{
    char *const recipients[] = {(char *)"a@x", (char *)"b@x", NULL};
    const DmSubmission submission = {.sender = "s@y", .recipients = recipients, .private_id = "AZ \"1\""};
    const DmSubmission latin1 = {.sender = "s@y", .recipients = recipients, .private_id = "\374"};
    g_autofree char *envelope = dm_rest_envelope(&submission);
    g_autofree char *session = dm_rest_session_request("acc", "pa\"ss");

    (void)state;
    assert_string_equal(envelope,
                        "{\"sender\":\"s@y\",\"recipients\":[\"a@x\",\"b@x\"],\"private_id\":\"AZ \\\"1\\\"\"}");
    assert_null(dm_rest_envelope(&latin1));
    assert_string_equal(session, "{\"account\":\"acc\",\"password\":\"pa\\\"ss\"}");
    assert_null(dm_rest_session_request("acc", "\374"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_unusable_outcomes),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_session_and_account),
        cmocka_unit_test(test_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
