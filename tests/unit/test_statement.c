#include "common/demail.h"
#include "standard/statement.h"
#include "standard/statement_parts.h"
#include "standard/xml.h"
#include "tests/unit/statement_maker.h"
#include "tests/unit/support.h"
#include "tests/unit/xml_signer.h"

#include <gmime/gmime.h>
#include <string.h>

#define NOW   ((gint64)1772452800) /* 2026-03-02T12:00:00Z */
#define YEAR  ((gint64)366 * 86400)
#define USAGE "critical,digitalSignature,nonRepudiation"

/* What a message is made of: a given vector, with a signer of our own in the place of its. */
typedef struct {
    char *header; /* with the empty line that ends it, of the given message */
    char *xml;    /* without signature */
} Given;

typedef struct {
    char *folder;
    TsSigner *signer;
    DmTrust *trust;
    Given dispatch;
    Given receipt;
    Given notification;
} Fixture;

/* One change of a given message, and the only reason and warning that it must give; NULL: none. */
typedef struct {
    const char *header_from;
    const char *header_to;
    const char *xml_from;
    const char *xml_to;
    const char *reason;
    const char *warning;
} Change;

static char *read_given(const char *name, gsize *length)
{
    g_autofree char *path = g_build_filename(GIVEN_DIR, name, NULL);
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, length, NULL));
    return text;
}

static Given load(const char *name)
{
    gsize length;
    g_autofree char *text = read_given(name, &length);
    DmStatementParts parts;
    Given given;

    gsize end = (gsize)(strstr(text, "\r\n\r\n") + 2 - text);
    g_autoptr(DmHeaders) headers = dm_headers_parse(text, end, NULL);
    assert_true(dm_statement_parts_read(headers, text, length, &parts));
    assert_int_equal(parts.xml_count, 1);
    gsize size;
    const char *xml = g_bytes_get_data(parts.xml, &size);
    given.xml = g_strndup(xml, size);
    char *signature = strstr(given.xml, "<ds:Signature");
    if (signature != NULL) {
        const char *rest = strstr(signature, "</ds:Signature>") + strlen("</ds:Signature>");
        memmove(signature, rest, strlen(rest) + 1);
    }
    dm_statement_parts_clear(&parts);
    given.header = g_strndup(text, (gsize)(strstr(text, "\r\n\r\n") + 4 - text));
    return given;
}

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    *state = fixture;
    if (!dm_xml_start(NULL))
        return -1;
    fixture->folder = ts_make_folder();
    fixture->signer = ts_signer_new("DMDA", NULL, FALSE, USAGE, NOW - YEAR, NOW + YEAR);
    fixture->trust = ts_trust(fixture->folder, fixture->signer);
    fixture->dispatch = load("06-confirmation-dispatch.eml");
    fixture->receipt = load("07-confirmation-receipt.eml");
    fixture->notification = load("08-notification.eml");
    return fixture->trust != NULL ? 0 : -1;
}

static void free_given(Given *given)
{
    g_free(given->header);
    g_free(given->xml);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    free_given(&fixture->dispatch);
    free_given(&fixture->receipt);
    free_given(&fixture->notification);
    dm_trust_free(fixture->trust);
    ts_signer_free(fixture->signer);
    ts_remove_folder(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture);
    dm_xml_stop();
    return 0;
}

static char *change(const char *text, const char *from, const char *to)
{
    return from != NULL ? ts_replace(text, from, to) : g_strdup(text);
}

/* The message of a given one after the change, signed by our signer if it is a confirmation. */
static char *make_changed(const Fixture *fixture, const Given *given, const Change *wanted)
{
    g_autofree char *header = change(given->header, wanted->header_from, wanted->header_to);
    g_autofree char *plain = change(given->xml, wanted->xml_from, wanted->xml_to);
    gboolean has_signature = strstr(plain, "<Notification-Message") == NULL;
    g_autofree char *xml = has_signature ? ts_sign(plain, fixture->signer) : g_strdup(plain);
    g_autofree char *xml_part = ts_part("application/xml", xml);
    g_autofree char *pdf_part = ts_part("application/pdf", "%PDF-1.4\n");
    const char *const parts[] = {xml_part, pdf_part, NULL};

    return ts_message(header, parts);
}

static void assert_changes(const Fixture *fixture, const Given *given, const Change *changes, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *message = make_changed(fixture, given, &changes[i]);
        g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
        const char *what = changes[i].xml_to ? changes[i].xml_to : changes[i].header_to;

        ts_assert_findings(findings, changes[i].reason, changes[i].warning, what ? what : "unchanged");
    }
}

static void test_given(void **state)
{
    static const char *const names[] = {"06-confirmation-dispatch.eml", "07-confirmation-receipt.eml",
                                        "08-notification.eml"};
    Fixture *fixture = *state;
    g_autofree char *anchor = g_build_filename(GIVEN_DIR, "pki", "root.pem", NULL);
    char *anchors[] = {anchor, NULL};
    g_autoptr(DmTrust) root = dm_trust_new(anchors, NULL, NULL);
    DmTrust *own = fixture->trust;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize length;
        g_autofree char *message = read_given(names[i], &length);
        fixture->trust = root;
        g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
        fixture->trust = own;
        ts_assert_findings(findings, NULL, NULL, names[i]);
        g_autoptr(DmFindings) untrusted = ts_judge(fixture->trust, message, NULL);
        ts_assert_findings(untrusted, i < 2 ? "certificate.untrusted" : NULL, NULL, names[i]);
    }
}

static void test_statement_of_dispatch(void **state)
{
    static const Change none = {0};
    const Fixture *fixture = *state;
    g_autofree char *message = make_changed(fixture, &fixture->dispatch, &none);
    g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
    const DmStatement *statement = findings->statement;

    ts_assert_findings(findings, NULL, NULL, "dispatch");
    assert_string_equal(statement->issuer, "Versandbestaetigung@alpha-demail.example");
    assert_non_null(strstr(statement->text, "Antrag auf Akteneinsicht"));
    assert_true(statement->time > 0);
    assert_int_equal(statement->delivery_time, 0);
    assert_string_equal(statement->original_message_id, "20260202.00002.demail@alpha-demail.example");
    assert_string_equal(statement->original_rfc_id, "<20260202.00002@alpha-demail.example>");
    assert_string_equal(statement->private_id, "AZ 4711/2026");
    assert_int_equal(statement->recipients->len, 1);
    assert_string_equal(g_ptr_array_index(statement->recipients, 0), "max.mustermann@beta-demail.example");
}

static void test_statement_of_receipt(void **state)
{
    static const Change without_copy = {";\r\n cc=max.mustermann@beta-demail.example", "", NULL, NULL, NULL, NULL};
    static const Change none = {0};
    const Fixture *fixture = *state;
    g_autofree char *message = make_changed(fixture, &fixture->receipt, &none);
    g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
    g_autofree char *bare = make_changed(fixture, &fixture->receipt, &without_copy);
    g_autoptr(DmFindings) bare_findings = ts_judge(fixture->trust, bare, NULL);

    assert_int_equal(findings->statement->recipients->len, 1);
    assert_string_equal(g_ptr_array_index(findings->statement->recipients, 0), "max.mustermann@beta-demail.example");
    ts_assert_findings(bare_findings, NULL, "confirmation.recipient-missing", "no copy");
    assert_int_equal(bare_findings->statement->recipients->len, 3);
}

static void test_statement_of_notification(void **state)
{
    static const Change none = {0};
    const Fixture *fixture = *state;
    g_autofree char *message = make_changed(fixture, &fixture->notification, &none);
    g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);

    ts_assert_findings(findings, NULL, NULL, "notification");
    assert_string_equal(findings->statement->issuer, "DMDA Beta");
    assert_string_equal(findings->statement->notification_type, "unknown-recipient");
    assert_string_equal(findings->statement->private_id, "AZ 8");
    assert_string_equal(findings->statement->original_message_id, "");
    assert_int_equal(findings->statement->recipients->len, 0);
}

#define NAME(field) "<Name>" field "</Name>"

static void test_changed_dispatch(void **state)
{
    static const Change changes[] = {
        {NULL, NULL, "<Sender>Versand", "<Sender>Eingangs", "confirmation.sender", NULL},
        {NULL, NULL, "<Sender>Versand", "<Sender>versand", NULL, "confirmation.sender-case"},
        {NULL, NULL, "</Subject>", "!</Subject>", "confirmation.xml-subject", NULL},
        {NULL, NULL, "<Subject>Versandbestätigung:", "<Subject>*Versandbestätigung*", NULL, NULL},
        {NULL, NULL, "<Subject>Versandbestätigung:", "<Subject>Eingangsbestätigung:", "confirmation.xml-subject", NULL},
        {"=?UTF-8?B?c2ljaHQ=?=", "=?UTF-8?B?c2ljaHR4?=", NULL, NULL, "confirmation.subject", NULL},
        {"=?UTF-8?B?KlZlcnNhbmRiZXN0w6R0aWd1bmcqIEFudHJhZyBhdWYgQWt0ZW5laW4=?=", "Antrag auf Aktenein", NULL, NULL,
         "confirmation.subject", NULL},
        {NULL, NULL, "<Hash>v=1", "<Hash>v=2", "confirmation.hash", NULL},
        {NULL, NULL, "<Hash>v=1; ", "<Hash>v=1;", NULL, NULL},
        {NULL, NULL, "<Value>Antrag auf Akteneinsicht", "<Value>Antrag", "confirmation.metadata-value", NULL},
        {NULL, NULL, "<OriginalHeader>Date:", "<OriginalHeader>Time:", "confirmation.metadata-name", NULL},
        {NULL, NULL, "&#13;\n d=alpha", "\n d=alpha", NULL, "confirmation.original-header-lf"},
        {NULL, NULL, NAME("X-de-mail-version"), NAME("X-other"),
         "confirmation.metadata-name confirmation.metadata-missing", "confirmation.metadata-unknown"},
        {NULL, NULL, "</Time>", "</Time><DeliveryTime>2026-02-02T09:00:00Z</DeliveryTime>",
         "confirmation.delivery-time-forbidden", NULL},
        {NULL, NULL, "<Time>2026", "<Time>Feb 2026", "confirmation.schema", NULL},
        {NULL, NULL, "<Time>2026", "<Time> \n2026", NULL, NULL},
        {NULL, NULL, "<Hash>", "<Digest/><Hash>", "confirmation.schema", NULL},
        {"private-id: AZ 4711/2026", "private-id: AZ 4712/2026", NULL, NULL, "confirmation.private-id", NULL},
        {"X-de-mail-private-id: AZ 4711/2026", "X-Nothing: here", NULL, NULL, "confirmation.private-id", NULL},
        {"chosen-recipient: to=erika.", "chosen-recipient: to=eva.", NULL, NULL, "confirmation.addressee", NULL},
        {NULL, NULL, "dispatch</Name><Value>yes</Value><OriginalHeader>X-de-mail-confirmation-of-dispatch: yes",
         "dispatch</Name><Value>no</Value><OriginalHeader>X-de-mail-confirmation-of-dispatch: no",
         "confirmation.not-requested", NULL},
        {NULL, NULL, "<Acknowledge-Message ", "<Acknowledge-Message remark='x' ", "confirmation.schema", NULL},
        {NULL, NULL, "urn:de-mail", "urn:de-mails", "confirmation.xml-root", NULL},
        {"confirmation of dispatch", "notification", NULL, NULL, "confirmation.xml-root", NULL},
    };
    const Fixture *fixture = *state;

    assert_changes(fixture, &fixture->dispatch, changes, G_N_ELEMENTS(changes));
}

static void test_missing_metadata(void **state)
{
    static const char *const names[] = {"X-de-mail-sender",         "X-de-mail-message-id",
                                        "X-de-mail-integrity",      "X-de-mail-signature-certificate",
                                        "X-de-mail-account-holder", "Message-ID"};
    const Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *pattern =
            g_strdup_printf("(?s)<Metadate><Name>%s</Name>(?:(?!</Metadate>).)*</Metadate>", names[i]);
        g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
        g_autofree char *xml = g_regex_replace_literal(regex, fixture->dispatch.xml, -1, 0, "", 0, NULL);
        Given given = {fixture->dispatch.header, xml};
        const Change none = {NULL, NULL, NULL, NULL, "confirmation.metadata-missing", NULL};
        assert_changes(fixture, &given, &none, 1);
    }
}

static void test_changed_receipt(void **state)
{
    static const Change changes[] = {
        {"cc=max.mustermann@beta", "cc=eva.mustermann@beta", NULL, NULL, "confirmation.recipient", NULL},
        {"to=buero@", "to=erika.mustermann@", NULL, NULL, "confirmation.addressee", NULL},
        {"confirmation of receipt", "confirmation of dispatch", NULL, NULL,
         "confirmation.subject confirmation.xml-subject confirmation.not-requested", NULL},
        {"confirmation of receipt", "malware-acknowledge", NULL, NULL, NULL, NULL},
    };
    const Fixture *fixture = *state;

    assert_changes(fixture, &fixture->receipt, changes, G_N_ELEMENTS(changes));
}

static Given make_retrieve(const Fixture *fixture)
{
    g_autofree char *typed = ts_replace(fixture->receipt.header, "confirmation of receipt", "confirmation of retrieve");
    g_autofree char *subject = ts_replace(typed, "KkVpbmdhbmdzYmVzdMOkdGlndW5nKiBUZXN0bmFjaHJpY2h0IDQ=",
                                          "KkFiaG9sYmVzdMOkdGlndW5nKiBUZXN0bmFjaHJpY2h0IDQ=");
    g_autofree char *asked =
        ts_replace(fixture->receipt.xml,
                   "retrieve</Name><Value>no</Value><OriginalHeader>X-de-mail-confirmation-of-"
                   "retrieve: no",
                   "retrieve</Name><Value>yes</Value><OriginalHeader>X-de-mail-confirmation-of-retrieve: yes");
    g_autofree char *titled = ts_replace(asked, "<Subject>Eingangs", "<Subject>Abhol");

    return (Given){g_steal_pointer(&subject),
                   ts_replace(titled, "</Time>", "</Time><DeliveryTime>2026-02-02T09:24:00Z</DeliveryTime>")};
}

static void test_changed_retrieve(void **state)
{
    static const Change changes[] = {
        {NULL, NULL, NULL, NULL, NULL, NULL},
        {NULL, NULL, "<DeliveryTime>2026-02-02T09:24:00Z</DeliveryTime>", "", "confirmation.delivery-time-missing",
         NULL},
        {NULL, NULL, "<DeliveryTime>2026", "<DeliveryTime>2027", NULL, "confirmation.delivery-time-late"},
    };
    const Fixture *fixture = *state;
    Given given = make_retrieve(fixture);

    assert_changes(fixture, &given, changes, G_N_ELEMENTS(changes));
    g_autofree char *message = make_changed(fixture, &given, &changes[0]);
    g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
    assert_int_equal(findings->statement->time - findings->statement->delivery_time, 30);
    free_given(&given);
}

static void test_changed_notification(void **state)
{
    static const Change changes[] = {
        {NULL, NULL, "<Subject>", "<Subject>x", NULL, "confirmation.subject-differs"},
        {NULL, NULL, "DMDA Beta", "", NULL, "confirmation.sender-empty"},
        {NULL, NULL, "<Sender>DMDA Beta</Sender>", "", "confirmation.schema", NULL},
        {"type: notification", "type: malware-notification", NULL, NULL, NULL, NULL},
        {"type: notification", "type: confirmation of receipt", NULL, NULL, "confirmation.xml-root", NULL},
    };
    const Fixture *fixture = *state;

    assert_changes(fixture, &fixture->notification, changes, G_N_ELEMENTS(changes));
}

static void test_original(void **state)
{
    static const Change none = {0};
    static const Change not_private = {"X-de-mail-private: yes", "X-de-mail-private: no", NULL, NULL, NULL, NULL};
    const Fixture *fixture = *state;
    gsize length;
    g_autofree char *text = read_given("02-signed-sha256-rsa.eml", &length);
    gsize end = (gsize)(strstr(text, "\r\n\r\n") + 2 - text);
    g_autoptr(DmHeaders) original = dm_headers_parse(text, end, NULL);
    g_autofree char *message = make_changed(fixture, &fixture->dispatch, &none);
    g_autoptr(DmFindings) good = ts_judge(fixture->trust, message, original);

    ts_assert_findings(good, NULL, NULL, "original");
    g_autofree char *open_message = make_changed(fixture, &fixture->dispatch, &not_private);
    g_autoptr(DmFindings) open_findings = ts_judge(fixture->trust, open_message, original);
    ts_assert_findings(open_findings, "confirmation.private", NULL, "not private");
    dm_headers_replace(original, "Date", 1, "Mon, 02 Feb 2026 10:17:31 +0100");
    g_autoptr(DmFindings) other = ts_judge(fixture->trust, message, original);
    ts_assert_findings(other, "confirmation.original", NULL, "another original");
    dm_headers_remove(original, "Date");
    g_autoptr(DmFindings) lacking = ts_judge(fixture->trust, message, original);
    ts_assert_findings(lacking, "confirmation.original", NULL, "another original");
}

static void test_original_with_more(void **state)
{
    static const Change none = {0};
    const Fixture *fixture = *state;
    gsize length;
    g_autofree char *text = read_given("02-signed-sha256-rsa.eml", &length);
    gsize end = (gsize)(strstr(text, "\r\n\r\n") + 2 - text);
    g_autoptr(DmHeaders) original = dm_headers_parse(text, end, NULL);
    g_autofree char *message = make_changed(fixture, &fixture->dispatch, &none);
    g_autofree char *notification = make_changed(fixture, &fixture->notification, &none);

    dm_headers_prepend(original, "Reply-To", "buero@alpha-demail.example");
    g_autoptr(DmFindings) other = ts_judge(fixture->trust, message, original);
    ts_assert_findings(other, "confirmation.original", NULL, "original with Reply-To");
    g_autoptr(DmFindings) foreign = ts_judge(fixture->trust, notification, original);
    ts_assert_findings(foreign, "confirmation.private-id", NULL, "notification");
    dm_headers_replace(original, "X-de-mail-private-id", 1, "AZ 8");
    g_autoptr(DmFindings) fitting = ts_judge(fixture->trust, notification, original);
    ts_assert_findings(fitting, NULL, NULL, "notification");
}

/* Changes after signing, and signatures that are not what they should be. */
static void test_signature(void **state)
{
    const Fixture *fixture = *state;
    const Given *given = &fixture->dispatch;
    g_autoptr(TsSigner) foreign = ts_signer_new("DMDA", NULL, FALSE, USAGE, NOW - YEAR, NOW + YEAR);
    g_autofree char *good = ts_sign(given->xml, fixture->signer);
    g_autofree char *by_other = ts_sign(given->xml, foreign);
    g_autofree char *changed = ts_replace(good, "<Text>Hiermit", "<Text>Damit");
    g_autofree char *sha1 =
        ts_replace(good, "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    g_autofree char *by_id = ts_replace(good, "URI=\"\"", "URI=\"#x\"");
    g_autofree char *no_key = ts_replace(good, "X509Certificate", "X509Nothing");
    g_autofree char *typed = ts_replace(good, "<Acknowledge-Message", "<!DOCTYPE x><Acknowledge-Message");
    g_autofree char *with_template = ts_with_xades(given->xml);
    g_autofree char *xades = ts_sign_template(with_template, fixture->signer);
    const struct {
        const char *xml;
        const char *reasons;
    } cases[] = {
        {good, NULL},
        {by_other, "certificate.untrusted"},
        {changed, "confirmation.signature-invalid"},
        {sha1, "confirmation.signature-algorithm"},
        {by_id, "confirmation.signature-scope"},
        {xades, "confirmation.signature-scope"},
        {no_key, "confirmation.signature-certificate"},
        {typed, "confirmation.xml-malformed"},
        {given->xml, "confirmation.signature-missing confirmation.schema"},
        {"<a", "confirmation.xml-malformed"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml_part = ts_part("text/xml", cases[i].xml);
        g_autofree char *pdf_part = ts_part("application/pdf", "%PDF-1.4\n");
        const char *const parts[] = {pdf_part, xml_part, NULL};
        g_autofree char *message = ts_message(given->header, parts);
        g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
        ts_assert_findings(findings, cases[i].reasons, NULL, cases[i].reasons ? cases[i].reasons : "good");
    }
}

static void test_structure(void **state)
{
    const Fixture *fixture = *state;
    const Given *given = &fixture->notification;
    g_autofree char *xml = ts_part("application/xml", given->xml);
    g_autofree char *pdf = ts_part("application/pdf", "%PDF-1.4\n");
    g_autofree char *no_pdf = ts_part("application/pdf", "GIF89a");
    g_autofree char *text = ts_part("text/plain", "Hallo");
    g_autofree char *image = ts_part("image/gif", "GIF89a");
    const struct {
        const char *parts[5];
        const char *reasons;
        const char *warnings;
    } cases[] = {
        {{text, xml, pdf, NULL}, NULL, NULL},
        {{xml, NULL}, "confirmation.pdf-missing", NULL},
        {{text, pdf, NULL}, "confirmation.xml-missing", NULL},
        {{xml, no_pdf, NULL}, "confirmation.pdf-invalid", NULL},
        {{xml, xml, pdf, NULL}, "confirmation.xml-several", NULL},
        {{xml, pdf, image, NULL}, NULL, "confirmation.other-parts"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = ts_message(given->header, cases[i].parts);
        g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message, NULL);
        ts_assert_findings(findings, cases[i].reasons, cases[i].warnings, cases[i].reasons ? cases[i].reasons : "good");
    }
}

static void test_not_mixed(void **state)
{
    const Fixture *fixture = *state;
    g_autofree char *plain = ts_replace(fixture->notification.header, "multipart/mixed", "multipart/related");
    GString *crowded = g_string_new(fixture->notification.header);

    g_autoptr(DmFindings) findings = ts_judge(fixture->trust, plain, NULL);
    ts_assert_findings(findings, "confirmation.structure", NULL, "related");
    for (guint i = 0; i < 100000; i++)
        g_string_append(crowded, "--=_dm_20260202.m0008\r\n\r\n");
    g_autoptr(DmFindings) crowd = ts_judge(fixture->trust, crowded->str, NULL);
    ts_assert_findings(crowd, "confirmation.structure", NULL, "crowded");
    g_string_free(crowded, TRUE);
}

/* What GMime would recurse into until the stack is full, or chew on for minutes, is not read. */
static void test_hostile_parts(void **state)
{
    static const struct {
        const char *start;
        const char *middle;
    } bodies[] = {
        {"Content-Type: message/rfc822\r\n\r\nTo: ", "a:"},
        {"Content-Type: message/rfc822\r\n\r\nCc: ", "\"a"},
        {"", "Content-Type: message/rfc822\r\n\r\n"},
    };
    const Fixture *fixture = *state;

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        GString *message = g_string_new(fixture->notification.header);
        gint64 before = g_get_monotonic_time();
        g_string_append_printf(message, "--=_dm_20260202.m0008\r\n%s", bodies[i].start);
        for (guint k = 0; k < 300000; k++)
            g_string_append(message, bodies[i].middle);
        g_autoptr(DmFindings) findings = ts_judge(fixture->trust, message->str, NULL);
        ts_assert_findings(findings, "confirmation.structure", NULL, bodies[i].middle);
        assert_true(g_get_monotonic_time() - before < 10 * G_USEC_PER_SEC);
        g_string_free(message, TRUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_statement_of_dispatch),
        cmocka_unit_test(test_statement_of_receipt),
        cmocka_unit_test(test_statement_of_notification),
        cmocka_unit_test(test_changed_dispatch),
        cmocka_unit_test(test_missing_metadata),
        cmocka_unit_test(test_changed_receipt),
        cmocka_unit_test(test_changed_retrieve),
        cmocka_unit_test(test_changed_notification),
        cmocka_unit_test(test_original),
        cmocka_unit_test(test_original_with_more),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_hostile_parts),
        cmocka_unit_test(test_not_mixed),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
