/* Secrets in memory: what replaces free(3) and realloc(3) for libraries. Files of secrets are in test_config.c. */
#include "common/secret.h"

#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

static void test_resize_keeps_the_content(void **state)
{
    (void)state;
    char *memory = dm_secret_resize(NULL, 8);
    assert_non_null(memory);
    memcpy(memory, "geheim!", 8);
    memory = dm_secret_resize(memory, 100000);
    assert_string_equal(memory, "geheim!");
    memory = dm_secret_resize(memory, 3);
    assert_memory_equal(memory, "geh", 3);
    memory = dm_secret_resize(memory, 0);
    assert_non_null(memory);
    dm_secret_release(memory);
    dm_secret_release(NULL);
}

/* Larger than what free(3) writes over, smaller than what it gives back to the kernel; the next block of the size is the
 * same one. Sanitizers never give it out again at once, which proves nothing either way. */
static void test_release_wipes(void **state)
{
    static const char secret[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    (void)state;
    char *memory = malloc(sizeof secret);
    assert_non_null(memory);
    memcpy(memory, secret, sizeof secret);
    dm_secret_release(memory);
    char *next = malloc(sizeof secret);
    assert_non_null(next);
    assert_memory_not_equal(next + 16, secret + 16, sizeof secret - 16);
    free(next);
}

static void test_forget_takes_null(void **state)
{
    (void)state;
    g_autoptr(DmSecret) none = NULL;
    g_autoptr(DmSecret) token = g_strdup("geheim");
    assert_null(none);
    assert_non_null(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_keeps_the_content),
        cmocka_unit_test(test_release_wipes),
        cmocka_unit_test(test_forget_takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
