/*
 * The rest driver's sessions, with a provider that answers what a test lists instead of HTTP.
 */
#include "provider/driver_rest.h"

#include "provider/rest_http.h"
#include "tests/unit/support.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    const char *call; /* "METHOD path token" */
    long status;
    const char *body;
    gboolean begun;
    gint64 retry_after;
} Exchange;

/* What is still to come. */
static const Exchange *script;

DmHttp *dm_http_new(const DmProviderConfig *config)
{
    (void)config;
    return NULL;
}

void dm_http_free(DmHttp *http)
{
    (void)http;
}

gboolean dm_http_perform(DmHttp *http, const DmHttpRequest *request, DmHttpAnswer *answer, GError **error)
{
    g_autofree char *call =
        g_strdup_printf("%s %s %s", request->method, request->path, request->token ? request->token : "-");

    (void)http;
    (void)error;
    assert_string_equal(call, script->call);
    *answer = (DmHttpAnswer){.status = script->status,
                             .body = g_string_new(script->body),
                             .begun = script->begun,
                             .retry_after = script->retry_after};
    script++;
    return TRUE;
}

void dm_http_answer_clear(DmHttpAnswer *answer)
{
    if (answer->body)
        g_string_free(answer->body, TRUE);
    *answer = (DmHttpAnswer){0};
}

#define LOGIN(token)                                                                                                   \
    {                                                                                                                  \
        "POST /session -", 201, "{\"token\":\"" token "\",\"expires_in\":600}", FALSE, 0                               \
    }
#define EXPIRED "{\"type\":\"urn:demail:problem:session-expired\",\"retryable\":true}"
#define ACCOUNT(t)                                                                                                     \
    {                                                                                                                  \
        "GET /account " t, 200, "{\"limits\":{\"message_size\":5}}", FALSE, 0                                          \
    }
#define LOGOUT(token)                                                                                                  \
    {                                                                                                                  \
        "DELETE /session " token, 204, "", FALSE, 0                                                                    \
    }
#define ACCEPTED "{\"id\":\"p\",\"recipients\":[{\"address\":\"a@b\",\"status\":\"accepted\"}]}"

static DmProvider *open_provider(const char *folder, const Exchange *exchanges)
{
    g_autofree char *password = ts_write(folder, "password", "geheim\n");
    const DmProviderConfig config = {
        .name = (char *)"alpha", .url = (char *)"https://provider.example", .password_file = password};

    script = exchanges;
    return dm_driver_rest.open(&config, "amt@gemeinde.de-mail.de", NULL);
}

/* Every exchange of the script took place. */
static void close_provider(DmProvider *provider)
{
    dm_driver_rest.close(provider);
    assert_null(script->call);
}

static gssize read_nothing(void *buffer, gsize size, gpointer data)
{
    (void)buffer;
    (void)size;
    (void)data;
    return 0;
}

static const DmSubmission submission = {.key = "k",
                                        .sender = "amt@gemeinde.de-mail.de",
                                        .recipients = (char *const[]){(char *)"a@b", NULL},
                                        .private_id = "",
                                        .read = read_nothing};

static void test_expired_session(void **state)
{
    static const Exchange exchanges[] = {LOGIN("one"),
                                         {"GET /account one", 401, EXPIRED, FALSE, 0},
                                         LOGIN("two"),
                                         ACCOUNT("two"),
                                         ACCOUNT("two"),
                                         LOGOUT("two"),
                                         {0}};
    DmProvider *provider = open_provider(*state, exchanges);
    DmAccount account;

    assert_true(dm_driver_rest.account(provider, &account, NULL));
    assert_int_equal(account.message_size_max, 5);
    assert_true(dm_driver_rest.account(provider, &account, NULL));
    close_provider(provider);
}

/* The message is gone, but not the next one's chance. */
static void test_expired_after_the_message(void **state)
{
    static const Exchange exchanges[] = {LOGIN("one"),  {"POST /messages one", 401, EXPIRED, TRUE, 0},
                                         LOGIN("two"),  {"POST /messages two", 202, ACCEPTED, TRUE, 0},
                                         LOGOUT("two"), {0}};
    DmProvider *provider = open_provider(*state, exchanges);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmOutcome) outcome = NULL;
    gboolean unsure = TRUE;

    assert_false(dm_driver_rest.submit(provider, &submission, &outcome, &unsure, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_TEMPORARY));
    assert_true(unsure);
    assert_true(dm_driver_rest.submit(provider, &submission, &outcome, &unsure, NULL));
    assert_int_equal(dm_outcome_find(outcome, "a@b")->kind, DM_RESULT_ACCEPTED);
    close_provider(provider);
}

#define PAGE(cursor) "{\"messages\":[{\"id\":\"1\",\"type\":\"normal\"}],\"cursor\":" cursor "}"

static void test_browse(void **state)
{
    static const Exchange exchanges[] = {
        LOGIN("one"),
        {"GET /messages?folder=sent&state=all&limit=100 one", 200, PAGE("\"a&b\""), FALSE, 0},
        {"GET /messages?folder=sent&state=all&limit=100&cursor=a%26b one", 500, "", FALSE, 0},
        {"GET /messages?folder=sent&state=all&limit=100&cursor=a%26b one", 200, PAGE("null"), FALSE, 0},
        LOGOUT("one"),
        {0}};
    DmProvider *provider = open_provider(*state, exchanges);
    g_autofree char *cursor = NULL;

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GPtrArray) entries = NULL;

        assert_int_equal(dm_driver_rest.browse(provider, "sent", &cursor, &entries, NULL), i != 1);
        assert_int_equal(entries ? entries->len : 0, i != 1 ? 1 : 0);
        if (i < 2)
            assert_string_equal(cursor, "a&b");
    }
    assert_null(cursor);
    close_provider(provider);
}

/* Only the provider's own word counts. */
static void test_gone(void **state)
{
    static const Exchange exchanges[] = {
        LOGIN("one"),
        {"GET /messages/7/raw one", 404, "{\"type\":\"urn:demail:problem:unknown-message\"}", FALSE, 0},
        {"GET /messages/7/raw one", 404, "<html>", FALSE, 0},
        {"GET /messages/7/raw one", 503, "{\"type\":\"urn:demail:problem:unknown-message\"}", FALSE, 0},
        LOGOUT("one"),
        {0}};
    static const DmError codes[] = {DM_ERROR_NOINPUT, DM_ERROR_TEMPORARY, DM_ERROR_TEMPORARY};
    DmProvider *provider = open_provider(*state, exchanges);

    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_autoptr(GError) error = NULL;

        assert_false(dm_driver_rest.fetch(provider, "7", -1, &error));
        assert_true(g_error_matches(error, DM_ERROR, codes[i]));
    }
    close_provider(provider);
}

static void test_no_login_after_a_refused_one(void **state)
{
    static const Exchange exchanges[] = {
        {"POST /session -", 401, "{\"type\":\"urn:demail:problem:wrong-password\",\"attempts_left\":2}", FALSE, 0},
        {0}};
    DmProvider *provider = open_provider(*state, exchanges);

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;

        assert_false(dm_driver_rest.login(provider, &error));
        assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE));
        assert_non_null(strstr(error->message, "2 attempts left"));
        assert_true(dm_driver_rest.refused(provider));
    }
    close_provider(provider);
}

/* One text as long as the pause lasts, so that a log can tell that nothing has changed. */
static void test_pause(void **state)
{
    static const Exchange exchanges[] = {LOGIN("one"), {"GET /account one", 503, "", FALSE, 60}, LOGOUT("one"), {0}};
    DmProvider *provider = open_provider(*state, exchanges);
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) second = NULL;
    DmAccount account;

    assert_false(dm_driver_rest.account(provider, &account, NULL));
    assert_false(dm_driver_rest.login(provider, &first));
    assert_true(g_error_matches(first, DM_ERROR, DM_ERROR_TEMPORARY));
    assert_non_null(strstr(first->message, "asked for a pause until 2"));
    assert_false(dm_driver_rest.login(provider, &second));
    assert_string_equal(first->message, second->message);
    close_provider(provider);
}

static void test_unreadable_password_is_no_other_error(void **state)
{
    static const Exchange none[] = {{0}};
    DmProvider *provider = open_provider(*state, none);
    g_autofree char *path = g_build_filename(*state, "password", NULL);
    g_autoptr(GError) error = NULL;

    assert_int_equal(unlink(path), 0);
    assert_false(dm_driver_rest.login(provider, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE));
    assert_non_null(strstr(error->message, path));
    close_provider(provider);
}

static void test_fates(void **state)
{
    static const struct {
        Exchange exchange;
        gboolean good;
        DmFate fate;
    } cases[] = {
        {{"GET /messages?key=k one", 200, ACCEPTED, FALSE, 0}, TRUE, DM_FATE_TOLD},
        {{"GET /messages?key=k one", 404, "{\"type\":\"urn:demail:problem:unknown-key\"}", FALSE, 0},
         TRUE,
         DM_FATE_NEVER_SEEN},
        {{"GET /messages?key=k one", 404, "<html>", FALSE, 0}, FALSE, DM_FATE_TOLD},
        {{"GET /messages?key=k one", 410, "", FALSE, 0}, TRUE, DM_FATE_UNTOLD},
        {{"GET /messages?key=k one", 501, "", FALSE, 0}, TRUE, DM_FATE_UNTOLD},
        {{"GET /messages?key=k one", 500, "", FALSE, 0}, FALSE, DM_FATE_TOLD},
        {{"GET /messages?key=k one", 200, "{\"id\":\"p\",\"recipients\":[]}", FALSE, 0}, FALSE, DM_FATE_TOLD},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Exchange exchanges[] = {LOGIN("one"), cases[i].exchange, LOGOUT("one"), {0}};
        DmProvider *provider = open_provider(*state, exchanges);
        g_autoptr(DmOutcome) outcome = NULL;
        DmFate fate = DM_FATE_TOLD;

        assert_int_equal(dm_driver_rest.status(provider, "k", &fate, &outcome, NULL), cases[i].good);
        assert_int_equal(fate, cases[i].fate);
        assert_int_equal(outcome != NULL, cases[i].good && fate == DM_FATE_TOLD);
        close_provider(provider);
    }
}

/* Whether a message that failed may have been taken. */
static void test_unsure(void **state)
{
    static const struct {
        Exchange exchange;
        gboolean unsure;
    } cases[] = {
        {{"POST /messages one", 409, "{\"type\":\"urn:demail:problem:in-progress\",\"retryable\":true}", FALSE, 0},
         TRUE},
        {{"POST /messages one", 502, "", TRUE, 0}, TRUE},
        {{"POST /messages one", 502, "", FALSE, 0}, FALSE},
        {{"POST /messages one", 429, "", TRUE, 0}, TRUE},
        {{"POST /messages one", 429, "", FALSE, 0}, FALSE},
        {{"POST /messages one", 202, "{\"id\":\"p\",\"recipients\":[{\"status\":\"accepted\"}]}", TRUE, 0}, TRUE},
        {{"POST /messages one", 202, "{", TRUE, 0}, TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Exchange exchanges[] = {LOGIN("one"), cases[i].exchange, LOGOUT("one"), {0}};
        DmProvider *provider = open_provider(*state, exchanges);
        DmOutcome *outcome = NULL;
        gboolean unsure = !cases[i].unsure;

        assert_false(dm_driver_rest.submit(provider, &submission, &outcome, &unsure, NULL));
        assert_int_equal(unsure, cases[i].unsure);
        close_provider(provider);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_expired_session, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_expired_after_the_message, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_gone, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_browse, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_no_login_after_a_refused_one, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_pause, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable_password_is_no_other_error, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_fates, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_unsure, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
