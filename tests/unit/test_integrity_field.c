#include "standard/integrity_field.h"
#include "standard/line_check.h"
#include "standard/tag_list.h"
#include "tests/unit/support.h"

#include <string.h>

#define AT 1772452800 /* 2026-03-02T12:00:00Z */

static void test_tag_list(void **state)
{
    static const char *const bad[] = {"",     " ",     ";",     "a",      "a=1;;b=2", "=1",
                                      "1a=1", "a b=1", "a-b=1", "a=1; ;", "a=\x80",   "a=1\x01"};
    static const char good[] = " v = 1 ;\r\n a_b=x y\r\n\t z; b=;bh= ;\r\n ";
    g_autoptr(GPtrArray) tags = dm_tag_list_read(good, strlen(good));

    (void)state;
    assert_non_null(tags);
    assert_int_equal(tags->len, 4);
    assert_string_equal(dm_tag_list_find(tags, "v")->value, "1");
    assert_string_equal(dm_tag_list_find(tags, "a_b")->value, "x y\t z");
    assert_string_equal(dm_tag_list_find(tags, "b")->value, "");
    assert_null(dm_tag_list_find(tags, "B"));
    const DmTag *v = dm_tag_list_find(tags, "v");
    assert_memory_equal(good + v->start, " 1 ", v->end - v->start);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_null(dm_tag_list_read(bad[i], strlen(bad[i])));
}

/* The findings on an integrity field with this value, in a header with From and Subject. */
static char *findings(const char *value, gboolean *comparable)
{
    g_autofree char *block =
        g_strconcat("From: a@x\r\nSubject: s\r\nX-de-mail-integrity:", value, "\r\nSubject: second\r\n", NULL);
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autoptr(DmRawHeader) header = dm_raw_header_read(block, strlen(block), findings);
    g_autoptr(DmIntegrityField) field = dm_integrity_field_read(header, AT, findings);
    GString *out = g_string_new(NULL);

    *comparable = field != NULL && field->comparable;
    for (guint i = 0; i < findings->reasons->len; i++)
        g_string_append_printf(out, "%s ", (const char *)g_ptr_array_index(findings->reasons, i));
    for (guint i = 0; i < findings->warnings->len; i++)
        g_string_append_printf(out, "(%s) ", (const char *)g_ptr_array_index(findings->warnings, i));
    return g_strchomp(g_string_free(out, FALSE));
}

#define HASH   " bh=AAAA; b=AAAA"
#define COMMON " v=1; d=x.example; s=s; c=simple/simple;"
#define ALL                                                                                                            \
    "From:Date:Message-ID:Subject:Reply-To:X-de-mail-confirmation-of-dispatch:X-de-mail-confirmation-of-receipt:"      \
    "X-de-mail-confirmation-of-retrieve:X-de-mail-authoritative:X-de-mail-private:X-de-mail-sender:"                   \
    "X-de-mail-chosen-recipient:X-de-mail-auth-mechanism:X-de-mail-auth-level:X-de-mail-originator-provider:"          \
    "X-de-mail-message-type:X-de-mail-version:X-de-mail-message-id:X-de-mail-account-holder"
#define FIELDS " h=" ALL ";"

static void test_field(void **state)
{
    static const struct {
        const char *value;
        const char *expected;
        gboolean comparable;
    } cases[] = {
        {COMMON " a=sha256;" FIELDS HASH, "", TRUE},
        {COMMON " a=sha512;" FIELDS HASH ";", "", TRUE},
        {COMMON " a=SHA256;" FIELDS HASH, "integrity.algorithm", TRUE},
        {COMMON " a=rsa-sha256;" FIELDS HASH, "integrity.algorithm", TRUE},
        {COMMON " a=sha256/ecdsa;" FIELDS HASH, "integrity.algorithm", TRUE},
        {COMMON " a=sha256/;" FIELDS HASH, "integrity.algorithm", TRUE},
        {COMMON " a=sha1;" FIELDS HASH, "integrity.algorithm", TRUE},
        {COMMON " a=sha256/rsa;" FIELDS HASH, "integrity.query", TRUE},
        {COMMON " a=sha256/rsa; q=dns/txt;" FIELDS HASH, "integrity.query", TRUE},
        {COMMON " a=sha384/rsassa-pss; q=x-header/x-de-mail-signature-certificate;" FIELDS HASH, "", TRUE},
        {" d=x.example; s=s; c=simple/simple; a=sha256;" FIELDS HASH, "integrity.missing-tag", TRUE},
        {" v=2; d=x.example; s=s; c=simple/simple; a=sha256;" FIELDS HASH, "integrity.version", TRUE},
        {" v=1; s=s; c=simple/simple; a=sha256;" FIELDS HASH, "integrity.missing-tag", TRUE},
        {" v=1; d=x.example; s=s; a=sha256;" FIELDS HASH, "(integrity.canonicalization-default)", TRUE},
        {" v=1; d=x.example; s=s; c=simple; a=sha256;" FIELDS HASH, "(integrity.canonicalization-default)", TRUE},
        {" v=1; d=x.example; s=s; c=relaxed/simple; a=sha256;" FIELDS HASH, "integrity.canonicalization", FALSE},
        {COMMON " a=sha256; a=sha256;" FIELDS HASH, "integrity.duplicate-tag", TRUE},
        {COMMON " a=sha256; l=x;" FIELDS HASH, "(integrity.body-length)", TRUE},
        {COMMON " a=sha256; x=1000000000;" FIELDS HASH, "(integrity.expired)", TRUE},
        {COMMON " a=sha256; x=2000000000; t=1; i=@x; z=y;" FIELDS HASH, "", TRUE},
        {COMMON " a=sha256; h=" ALL ":X-de-mail-private-id;" HASH, "integrity.h-order (integrity.h-absent-listed)",
         TRUE},
        {COMMON " a=sha256; h=" ALL ":To;" HASH, "integrity.h-extra", TRUE},
        {COMMON " a=sha256; h=" ALL ":from;" HASH, "integrity.h-duplicate", FALSE},
        {COMMON " a=sha256; h=From:Subject;" HASH, "(integrity.h-absent-omitted)", TRUE},
        {COMMON " a=sha256; h=Subject : From;" HASH, "integrity.h-order (integrity.h-absent-omitted)", TRUE},
        {COMMON " a=sha256; h=From;" HASH, "integrity.h-missing (integrity.h-absent-omitted)", TRUE},
        {COMMON " a=sha256; h=From::Subject;" HASH, "integrity.h-syntax", FALSE},
        {COMMON " a=sha256;" HASH, "integrity.missing-tag", FALSE},
        {COMMON " a=sha256;" FIELDS " bh=AAAA; b=", "integrity.base64", TRUE},
        {COMMON " a=sha256;" FIELDS " bh=A*AA; b=AAAA", "integrity.base64", TRUE},
        {COMMON " a=sha256;" FIELDS " bh=AAAA; b=AA=A", "integrity.base64", TRUE},
        {" nonsense", "integrity.syntax", FALSE},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean comparable = FALSE;
        g_autofree char *said = findings(cases[i].value, &comparable);
        assert_string_equal(said, cases[i].expected);
        assert_int_equal(comparable, cases[i].comparable);
    }
}

/* Only the value of a tag named b goes, with the blanks after it, not those before "=". */
static void test_removal(void **state)
{
    static const char block[] = "X-De-Mail-Integrity : v=1; bh=AAAA; zb=1; B=2; b \t= AA\r\n AA \t; a=sha256\r\n";
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autoptr(DmRawHeader) header = dm_raw_header_read(block, strlen(block), findings);
    g_autoptr(DmIntegrityField) field = dm_integrity_field_read(header, AT, findings);

    (void)state;
    assert_non_null(field);
    assert_string_equal(field->without_b->str, "X-De-Mail-Integrity : v=1; bh=AAAA; zb=1; B=2; b \t=; a=sha256");
}

static char *header_findings(const char *block, gsize length)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autoptr(DmRawHeader) header = dm_raw_header_read(block, length, findings);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < findings->reasons->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(findings->reasons, i));
    return g_string_free(out, FALSE);
}

static void test_raw_header(void **state)
{
    static const struct {
        const char *block;
        const char *expected;
    } cases[] = {
        {"a:1\r\nb :2\r\n\tx\r\n", ""},
        {"a:1\r\nnonsense\r\n", "syntax.header-line"},
        {" a:1\r\nb:2\r\n", "syntax.header-line"},
        {"a b:1\r\n", "syntax.header-line"},
        {":1\r\n", "syntax.header-line"},
        {"a:1\r\nb:\n2\r\n", "syntax.bare-lf"},
        {"a:\n1\r\nb:2\r\n", "syntax.bare-lf"},
        {"a:1\nb:2\n", "syntax.bare-lf"},
        {"a:1\r2\r\n", "syntax.bare-cr"},
        {"a:\xc3\xa4\r\n", "syntax.header-8bit"},
    };
    g_autofree char *fits = g_strdup_printf("a:%0*d\r\n", DM_LINE_MAX - 2, 0);
    g_autofree char *too_long = g_strdup_printf("a:%0*d\r\n", DM_LINE_MAX - 1, 0);
    g_autofree char *fitting = header_findings(fits, strlen(fits));
    g_autofree char *exceeding = header_findings(too_long, strlen(too_long));
    g_autofree char *nul = header_findings("a:\0\r\n", 5);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = header_findings(cases[i].block, strlen(cases[i].block));
        assert_string_equal(said, cases[i].expected);
    }
    assert_string_equal(fitting, "");
    assert_string_equal(exceeding, "syntax.header-line-length");
    assert_string_equal(nul, "syntax.nul");
}

/* What is found in the text, given in pieces of `step` octets. */
static char *line_findings(const char *text, gsize length, gsize step)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    DmLineCheck check = {0};
    GString *out = g_string_new(NULL);

    for (gsize i = 0; i < length; i += step)
        dm_line_check_update(&check, text + i, MIN(step, length - i));
    dm_line_check_finish(&check, findings);
    for (guint i = 0; i < findings->reasons->len; i++)
        g_string_append_printf(out, "%s ", (const char *)g_ptr_array_index(findings->reasons, i));
    for (guint i = 0; i < findings->warnings->len; i++)
        g_string_append_printf(out, "(%s) ", (const char *)g_ptr_array_index(findings->warnings, i));
    return g_strchomp(g_string_free(out, FALSE));
}

/* A fault is found wherever it stands, in a block or across two. */
static void test_lines(void **state)
{
    static const struct {
        const char *fault;
        const char *expected;
    } cases[] = {
        {"\r\n", ""}, {"\rx", "syntax.bare-cr"}, {"x\n", "syntax.bare-lf"}, {"\n\r", "syntax.bare-cr syntax.bare-lf"}};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (gsize before = 0; before < 300; before += 7) {
            g_autofree char *text = g_strdup_printf("%0*d%s%0*d\r\n", (int)before + 1, 0, cases[i].fault, 290, 0);
            for (gsize step = 1; step < 400; step += 57) {
                g_autofree char *said = line_findings(text, strlen(text), step);
                assert_string_equal(said, cases[i].expected);
            }
        }
    }
}

static void test_line_lengths(void **state)
{
    static const struct {
        int length;
        const char *end;
        const char *expected;
    } cases[] = {
        {DM_LINE_MAX, "\r\n", ""},
        {DM_LINE_MAX + 1, "\r\n", "(syntax.body-line-length)"},
        {DM_LINE_MAX, "", "(syntax.final-crlf)"},
        {DM_LINE_MAX + 1, "", "(syntax.body-line-length) (syntax.final-crlf)"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("\r\nx\r\n%0*d%s", cases[i].length, 0, cases[i].end);
        for (gsize step = 1; step < 2000; step += 333) {
            g_autofree char *said = line_findings(text, strlen(text), step);
            assert_string_equal(said, cases[i].expected);
        }
    }
    g_autofree char *nul = line_findings("a\0\r\n", 4, 4);
    assert_string_equal(nul, "syntax.nul");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tag_list),   cmocka_unit_test(test_field), cmocka_unit_test(test_removal),
        cmocka_unit_test(test_raw_header), cmocka_unit_test(test_lines), cmocka_unit_test(test_line_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
