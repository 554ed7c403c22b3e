#include "common/demail.h"
#include "common/options.h"
#include "tests/unit/support.h"

static char *private_tokens[] = {(char *)"P", NULL};
static char *authoritative_tokens[] = {(char *)"AS", NULL};
static char *dispatch_tokens[] = {(char *)"VB", (char *)"Einwurf", NULL};
static char *receipt_tokens[] = {(char *)"EB", NULL};
static char *retrieve_tokens[] = {(char *)"AH", NULL};
static char **const short_tokens[] = {private_tokens, authoritative_tokens, dispatch_tokens, receipt_tokens,
                                      retrieve_tokens};

static void test_tags(void **state)
{
    static const struct {
        const char *subject;
        guint options;
        const char *unknown;
        const char *rest; /* NULL: not tagged */
    } cases[] = {
        {"[P] Bescheid", DM_OPTION_PRIVATE, NULL, "Bescheid"},
        {"[P, EB] Bescheid", DM_OPTION_PRIVATE | DM_OPTION_RECEIPT, NULL, "Bescheid"},
        {"[vb,as,ah]x", DM_OPTION_DISPATCH | DM_OPTION_AUTHORITATIVE | DM_OPTION_RETRIEVE, NULL, "x"},
        {"[persönlich]", DM_OPTION_PRIVATE, NULL, ""},
        {"[PERSO\xcc\x88NLICH] x", DM_OPTION_PRIVATE, NULL, "x"},
        {"[Eingangsbestätigung,abholbestätigung, Absenderbestätigt] x",
         DM_OPTION_RECEIPT | DM_OPTION_RETRIEVE | DM_OPTION_AUTHORITATIVE, NULL, "x"},
        {"[private,dispatch,receipt,retrieve,authoritative] x", DM_OPTIONS_ALL, NULL, "x"},
        {"[P, P] x", DM_OPTION_PRIVATE, NULL, "x"},
        {"[P][EB] x", DM_OPTION_PRIVATE, NULL, "[EB] x"},
        {"[P, Eilt] x", DM_OPTION_PRIVATE, "Eilt", "x"},
        {"[P,] x", DM_OPTION_PRIVATE, "", "x"},
        {"[Eilt] x", 0, NULL, NULL},
        {"[] x", 0, NULL, NULL},
        {" [P] x", 0, NULL, NULL},
        {"Re: [P] x", 0, NULL, NULL},
        {"[P x", 0, NULL, NULL},
        {"[P;EB] x", 0, NULL, NULL},
        {"[einwurf] x", DM_OPTION_DISPATCH, NULL, "x"},
        {"", 0, NULL, NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmSubjectTag tag;
        dm_subject_tag_parse(short_tokens, cases[i].subject, &tag);
        if (tag.options != cases[i].options || g_strcmp0(tag.unknown, cases[i].unknown) != 0 ||
            g_strcmp0(tag.rest, cases[i].rest) != 0)
            fail_msg("%s: options %u, unknown %s, rest %s", cases[i].subject, tag.options, tag.unknown, tag.rest);
        assert_int_equal(tag.tagged, cases[i].rest != NULL);
        dm_subject_tag_clear(&tag);
    }
}

static void test_words(void **state)
{
    guint options = 0;
    g_autofree char *none = dm_options_format(0);
    g_autofree char *all = dm_options_format(DM_OPTIONS_ALL);

    (void)state;
    assert_string_equal(none, "none");
    assert_string_equal(all, "private,authoritative,dispatch,receipt,retrieve");
    assert_true(dm_options_parse(all, &options));
    assert_int_equal(options, DM_OPTIONS_ALL);
    assert_true(dm_options_parse("Private, receipt", &options));
    assert_int_equal(options, DM_OPTION_PRIVATE | DM_OPTION_RECEIPT);
    assert_true(dm_options_parse("none", &options));
    assert_int_equal(options, 0);
    assert_false(dm_options_parse("privat", &options));
    assert_false(dm_options_parse("private;receipt", &options));
    assert_false(dm_options_parse("", &options));
}

static void check_chosen(const char *value, gboolean good, const char *formatted)
{
    DmChosen chosen;

    assert_int_equal(dm_chosen_parse(value, &chosen), good);
    if (good) {
        g_autofree char *text = dm_chosen_format(&chosen);
        assert_string_equal(text, formatted);
    }
    dm_chosen_clear(&chosen);
}

static void test_chosen(void **state)
{
    (void)state;
    check_chosen(" to=a@x.de", TRUE, "to=a@x.de");
    check_chosen(" CC = c@x.de ; to=a@x.de,\n b@x.de", TRUE, "to=a@x.de,\n b@x.de;\n cc=c@x.de");
    check_chosen("to=a@x.de;b@x.de;bcc=\"d; e\" <d@x.de>", TRUE, "to=a@x.de,\n b@x.de;\n bcc=d@x.de");
    check_chosen("to=a@x.de;to=b@x.de", FALSE, NULL);
    check_chosen("a@x.de", FALSE, NULL);
    check_chosen("to=", FALSE, NULL);
    check_chosen("to=a@x.de;", FALSE, NULL);
}

static void test_reserved(void **state)
{
    (void)state;
    assert_true(dm_field_is_reserved("X-de-mail-private"));
    assert_true(dm_field_is_reserved("x-DEMAIL-stamp"));
    assert_false(dm_field_is_reserved("X-de-mailer"));
    assert_false(dm_field_is_reserved("X-Mailer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_reserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
