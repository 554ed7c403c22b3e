#include "common/marking.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>

static void test_imitations(void **state)
{
    static const char *const cases[][2] = {
        {"Mahnung", NULL},
        {"Re: [De-Mail] Mahnung", NULL},
        {"[De-Mai", NULL},
        {"", NULL},
        {"[De-Mail] Mahnung", "Mahnung"},
        {"[De-Mail]Mahnung", "Mahnung"},
        {"[DE-MAIL] Mahnung", "Mahnung"},
        {" [De-Mail] \t[De-Mail] Mahnung", "Mahnung"},
        {"\xc2\xa0[De-Mail]\xc2\xa0Mahnung", "Mahnung"},
        {"\xe2\x80\x8b[De\xe2\x80\x8b-Mail] Mahnung", "Mahnung"},
        {"\xef\xbc\xbb"
         "De-Mail\xef\xbc\xbd Mahnung",
         "Mahnung"},
        {"=?utf-8?Q?[De-Mail]_?= Mahnung", "Mahnung"},
        {"Amtlich: Mahnung", "Mahnung"},
        {"[De-Mail]", ""},
    };
    g_autoptr(GPtrArray) prefixes = g_ptr_array_new();

    (void)state;
    g_ptr_array_add(prefixes, (gpointer) "");
    g_ptr_array_add(prefixes, (gpointer) "[De-Mail]");
    g_ptr_array_add(prefixes, (gpointer) "Amtlich:");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *rest = dm_marking_remove(cases[i][0], prefixes);
        if (g_strcmp0(rest, cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_imitations)};

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
