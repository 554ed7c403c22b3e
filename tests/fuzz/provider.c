/* Whatever a provider answers, as JSON or as a problem. */
#include "provider/rest_json.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

void fuzz_start(void)
{
}

static void read_problem(const char *text, gsize length)
{
    DmProblem problem;

    dm_problem_parse(503, text, length, &problem);
    FUZZ_CHECK(problem.code != NULL && problem.detail != NULL);
    FUZZ_CHECK(strlen(problem.code) <= 310 && strlen(problem.detail) <= 310);
    FUZZ_CHECK(strpbrk(problem.code, "\r\n") == NULL && strpbrk(problem.detail, "\r\n") == NULL);
    FUZZ_CHECK(g_utf8_validate(problem.detail, -1, NULL));
    dm_problem_is_refusal(&problem);
    dm_problem_clear(&problem);
}

static void read_session(const char *text, gsize length)
{
    DmRestSession session = {0};

    if (dm_rest_session_parse(text, length, &session, NULL))
        FUZZ_CHECK(session.token[0] != '\0' && strpbrk(session.token, "\r\n") == NULL);
    g_free(session.token);
}

static void read_outcome(const char *text, gsize length)
{
    g_autoptr(DmOutcome) outcome = dm_rest_outcome_parse(text, length, NULL);

    for (guint i = 0; outcome != NULL && i < outcome->results->len; i++) {
        const DmResult *result = g_ptr_array_index(outcome->results, i);
        FUZZ_CHECK(dm_outcome_find(outcome, result->address) != NULL);
        FUZZ_CHECK(strpbrk(result->detail, "\r\n") == NULL && strpbrk(result->code, "\r\n") == NULL);
    }
}

static void free_entry(gpointer entry)
{
    dm_entry_free(entry);
}

static void read_entries(const char *text, gsize length)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
    g_autofree char *cursor = NULL;

    if (!dm_rest_entries_parse(text, length, entries, &cursor, NULL))
        return;
    for (guint i = 0; i < entries->len; i++)
        FUZZ_CHECK(((const DmEntry *)g_ptr_array_index(entries, i))->id[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    g_autoptr(GError) error = NULL;
    DmAccount account;

    read_problem(text, size);
    read_session(text, size);
    read_outcome(text, size);
    read_entries(text, size);
    FUZZ_CHECK(dm_rest_account_parse(text, size, &account, &error) == (error == NULL));
    return 0;
}
