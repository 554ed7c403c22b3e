#include "standard/demail_address.h"
#include "standard/mailbox.h"
#include "standard/recipients.h"
#include "tests/unit/support.h"

#include <string.h>

static void append_list(GString *out, const char *tag, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(out, "%s%s:%s", out->len > 0 ? " " : "", tag, (const char *)g_ptr_array_index(list, i));
}

/* "to:a@x cc:b@x", or the first reason. */
static char *read_recipients(const char *text)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    GString *out = g_string_new(NULL);
    DmChosen chosen;

    dm_recipients_read(text, &chosen, findings);
    if (findings->reasons->len > 0) {
        g_string_append(out, g_ptr_array_index(findings->reasons, 0));
    } else {
        append_list(out, "to", chosen.to);
        append_list(out, "cc", chosen.cc);
        append_list(out, "bcc", chosen.bcc);
    }
    dm_chosen_clear(&chosen);
    return g_string_free(out, FALSE);
}

static void test_recipients(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"to=a@x", "to:a@x"},
        {" TO \t = a@x", "to:a@x"},
        {"cc=c@x; to=a@x", "to:a@x cc:c@x"},
        {"bcc=b@x", "bcc:b@x"},
        {"to=a@x, b@x; c@x; cc=d@x", "to:a@x to:b@x to:c@x cc:d@x"},
        {"to=a@x; to@x", "to:a@x to:to@x"},
        {"to=a@x, cc=b@x", "to:a@x to:cc=b@x"},
        {"to=\"Max; Muster\" <a@x>, Erika (zu Hause; to=) <b@x>", "to:a@x to:b@x"},
        {"to=\"a b\"@x", "to:\"a b\"@x"},
        {"to=Dr. Max <a@x>", "to:a@x"},
        {"to = =?utf-8?q?M=C3=BCller?= <a@x>", "to:a@x"},
        {"to=a (x) @ (y) x", "to:a@x"},
        {"to=a@x; TO=b@x", "recipient.duplicate-element"},
        {"bcc=a@x, b@x", "recipient.bcc-several"},
        {"", "recipient.syntax"},
        {"to=", "recipient.syntax"},
        {"a@x", "recipient.syntax"},
        {"to a@x", "recipient.syntax"},
        {"an=a@x", "recipient.syntax"},
        {"to=a@x;", "recipient.syntax"},
        {"to=a@x,", "recipient.syntax"},
        {"to=a@x;;cc=b@x", "recipient.syntax"},
        {"to=a@x,,b@x", "recipient.syntax"},
        {"to=;cc=b@x", "recipient.syntax"},
        {"to=a@x b@x", "recipient.syntax"},
        {"to=Team: a@x;", "recipient.syntax"},
        {"to=a@[192.0.2.1]", "recipient.syntax"},
        {"to=<a@x", "recipient.syntax"},
        {"to=a@x>", "recipient.syntax"},
        {"to=a.@x", "recipient.syntax"},
        {"to=.a@x", "recipient.syntax"},
        {"to=a..b@x", "recipient.syntax"},
        {"to=@x", "recipient.syntax"},
        {"to=a@", "recipient.syntax"},
        {"to=\"a@x", "recipient.syntax"},
        {"to=(a@x", "recipient.syntax"},
        {"to=\"a\\", "recipient.syntax"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = read_recipients(cases[i].text);
        assert_string_equal(said, cases[i].expected);
    }
}

static void test_addr_spec(void **state)
{
    g_autofree char *good = dm_mailbox_read_address("a@x");

    (void)state;
    assert_string_equal(good, "a@x");
    assert_null(dm_mailbox_read_address("<a@x>"));
    assert_null(dm_mailbox_read_address("Max <a@x>"));
    assert_null(dm_mailbox_read_address("a@x, b@x"));
    assert_null(dm_mailbox_read_address(""));
}

static const char *first_finding(const char *address)
{
    g_autoptr(DmFindings) findings = dm_findings_new();

    dm_demail_address_judge(address, findings);
    if (findings->reasons->len > 0)
        return g_ptr_array_index(findings->reasons, 0);
    return findings->warnings->len > 0 ? g_ptr_array_index(findings->warnings, 0) : "";
}

/* `locals` a's, "@", labels of at most 60 d's and dots that make `domain` characters. */
static char *address_of(gsize local, gsize domain)
{
    g_autofree char *left = g_strnfill(local, 'a');
    g_autofree char *right = g_strnfill(domain, 'd');

    for (gsize i = 60; i + 1 < domain; i += 61)
        right[i] = '.';
    return g_strconcat(left, "@", right, NULL);
}

static void test_address_rules(void **state)
{
    static const struct {
        const char *address;
        const char *finding;
    } cases[] = {
        {"erika.mustermann@muster.de-mail.de", ""},
        {"Erika.mustermann@muster.de-mail.de", "address.capitals"},
        {"erika@Muster.De-Mail.DE", ""},
        {"poststelle@standort_a.institution.example", ""},
        {"pn_sonne@x.example", ""},
        {"pn_@x.example", "address.pseudonym"},
        {"pn_son.ne@x.example", "address.pseudonym"},
        {"Versandbestaetigung@x.example", ""},
        {"a@x", "address.domain"},
        {"a@-x.example", "address.domain"},
        {"a@x.1", "address.domain"},
        {"a@x.example.", "address.domain"},
    };
    static const struct {
        gsize local;
        gsize domain;
        const char *finding;
    } lengths[] = {
        {64, 100, ""}, {65, 100, "address.length"}, {10, 189, ""}, {10, 190, "address.length"},
        {63, 189, ""}, {64, 189, "address.length"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_string_equal(first_finding(cases[i].address), cases[i].finding);
    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *address = address_of(lengths[i].local, lengths[i].domain);
        assert_string_equal(first_finding(address), lengths[i].finding);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_addr_spec),
        cmocka_unit_test(test_address_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
