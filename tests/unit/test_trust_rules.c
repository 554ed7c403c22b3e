#include "poller/trust_rules.h"
#include "tests/unit/support.h"

#define HOUR 3600
#define DAY  (24 * HOUR)
#define NOW  1784116800

static void test_may_follow(void **state)
{
    static const struct {
        gint64 sequence;
        gint64 issued;
        gint64 next_update;
        gboolean may;
    } cases[] = {
        {8, NOW - DAY, NOW + DAY, TRUE},     {7, NOW - DAY, NOW + DAY, TRUE}, {7, NOW - DAY - 1, NOW + DAY, FALSE},
        {6, NOW, NOW + DAY, FALSE},          {8, NOW, NOW - 1, FALSE},        {8, NOW, 0, FALSE},
        {8, NOW - 9 * DAY, NOW + DAY, TRUE},
    };
    const DmTrustList in_force = {.sequence = 7, .issued = NOW - DAY, .next_update = NOW - 1};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const DmTrustList fetched = {cases[i].sequence, cases[i].issued, cases[i].next_update, NULL};
        g_autoptr(GError) error = NULL;
        assert_true(dm_trust_may_follow(&in_force, &fetched, NOW, &error) == cases[i].may);
        assert_true((error == NULL) == cases[i].may);
    }
}

static void test_first_list(void **state)
{
    const DmTrustList fetched = {.sequence = 1, .issued = NOW, .next_update = NOW + DAY};
    const DmTrustList expired = {.sequence = 1, .issued = NOW, .next_update = NOW - 1};

    (void)state;
    assert_true(dm_trust_may_follow(NULL, &fetched, NOW, NULL));
    assert_false(dm_trust_may_follow(NULL, &expired, NOW, NULL));
}

static void test_next_fetch(void **state)
{
    static const struct {
        gint64 next_update;
        guint failures;
        gint64 after;
    } cases[] = {
        {NOW + 90 * DAY, 0, DAY},
        {NOW + 20 * HOUR, 0, 14 * HOUR},
        {NOW + 6 * HOUR, 0, HOUR},
        {NOW - DAY, 0, HOUR},
        {0, 0, DAY},
        {NOW + 90 * DAY, 1, 60},
        {NOW + 90 * DAY, 2, 120},
        {0, 7, HOUR},
        {0, G_MAXUINT, HOUR},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(dm_trust_next_fetch(NOW, cases[i].next_update, cases[i].failures) - NOW, cases[i].after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_follow),
        cmocka_unit_test(test_first_list),
        cmocka_unit_test(test_next_fetch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
