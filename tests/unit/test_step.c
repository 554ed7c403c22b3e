/*
 * A process ends at its step and not before, writes nothing on the way out, and counts its steps.
 */
#include "common/step.h"

#include "common/error.h"
#include "tests/unit/support.h"

#include <sys/wait.h>
#include <unistd.h>

#define DONE 7 /* exit code of a child that came to its end */

static const char *const names[] = {"journal-write", "journal-written", "inject"};

/* A child passes the steps with this environment (NULL: unset); its exit code. */
static int pass_steps(const char *stop, const char *log)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        stop ? g_setenv("DEMAIL_STEP_STOP", stop, TRUE) : g_unsetenv("DEMAIL_STEP_STOP");
        log ? g_setenv("DEMAIL_STEP_LOG", log, TRUE) : g_unsetenv("DEMAIL_STEP_LOG");
        if (!dm_step_start(NULL))
            _exit(1);
        for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
            dm_step(names[i]);
        _exit(DONE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_text(const char *file, const char *expected)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(file, &text, NULL, NULL));
    assert_string_equal(text, expected);
}

static void test_nothing_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(pass_steps(NULL, NULL), DONE);
}

static void test_steps_are_logged(void **state)
{
    g_autofree char *log = g_build_filename(*state, "steps", NULL);

    assert_int_equal(pass_steps(NULL, log), DONE);
    assert_text(log, "1 journal-write\n2 journal-written\n3 inject\n");
}

static void test_it_ends_at_its_step(void **state)
{
    g_autofree char *log = g_build_filename(*state, "steps", NULL);

    assert_int_equal(pass_steps("2", log), DM_STEP_EXIT);
    assert_text(log, "1 journal-write\n2 journal-written\n");
    assert_int_equal(pass_steps("3", NULL), DM_STEP_EXIT);
    assert_int_equal(pass_steps("4", NULL), DONE);
}

static void test_wrong_environment_is_refused(void **state)
{
    g_autofree char *log = g_build_filename(*state, "missing", "steps", NULL);

    assert_int_equal(pass_steps("0", NULL), 1);
    assert_int_equal(pass_steps("2nd", NULL), 1);
    assert_int_equal(pass_steps("", NULL), 1);
    assert_int_equal(pass_steps(NULL, log), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_asked_for),
        cmocka_unit_test_setup_teardown(test_steps_are_logged, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_it_ends_at_its_step, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_wrong_environment_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
