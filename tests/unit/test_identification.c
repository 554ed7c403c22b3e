#include "standard/xml.h"
#include "tests/unit/statement_maker.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <string.h>

#define YEAR   ((gint64)366 * 86400)
#define USAGE  "critical,digitalSignature,nonRepudiation"
#define DS     "http://www.w3.org/2000/09/xmldsig#"
#define C14N   "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define EXC    "http://www.w3.org/2001/10/xml-exc-c14n#"
#define FORMAT "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

static const char header[] = "X-de-mail-message-type: identification\r\n"
                             "X-de-mail-sender: Ident-Bestaetigung@alpha-demail.example\r\n"
                             "X-de-mail-chosen-recipient: to=shop@beta-demail.example;\r\n"
                             " cc=erika.mustermann@alpha-demail.example\r\n"
                             "X-de-mail-private: yes\r\n"
                             "Subject: =?UTF-8?Q?Ident-Best=C3=A4tigung?=\r\n"
                             "MIME-Version: 1.0\r\n"
                             "Content-Type: multipart/mixed; boundary=x\r\n"
                             "\r\n";

static const char signature[] =
    "<Signature xmlns='" DS "'><SignedInfo><CanonicalizationMethod Algorithm='" C14N "'/><SignatureMethod "
    "Algorithm='http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'/><Reference URI='#_i1'><Transforms><Transform "
    "Algorithm='" DS "enveloped-signature'/><Transform Algorithm='" C14N "'/></Transforms><DigestMethod "
    "Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><DigestValue/></Reference></SignedInfo><SignatureValue/>"
    "<KeyInfo><X509Data/></KeyInfo></Signature>";

static const char assertion[] =
    "<s:Assertion xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' Version='2.0' ID='_i1' "
    "IssueInstant='2026-02-02T10:00:00Z'><s:Issuer Format='" FORMAT
    "'>Ident-Bestaetigung@alpha-demail.example</s:Issuer>"
    "<Signature/><s:Subject><s:NameID Format='" FORMAT "'>erika.mustermann@alpha-demail.example</s:NameID></s:Subject>"
    "<s:Conditions><s:AudienceRestriction><s:Audience>shop@beta-demail.example</s:Audience></s:AudienceRestriction>"
    "</s:Conditions><s:AuthnStatement AuthnInstant='2026-02-02T09:59:00Z'><s:AuthnContext><s:AuthnContextClassRef>"
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract</s:AuthnContextClassRef></s:AuthnContext>"
    "</s:AuthnStatement><s:AttributeStatement><s:Attribute Name='Card'><s:AttributeValue><Identcard><NaturalPerson/>"
    "</Identcard></s:AttributeValue></s:Attribute></s:AttributeStatement></s:Assertion>";

typedef struct {
    char *folder;
    TsSigner *signer;
    DmTrust *trust;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    *state = fixture;
    if (!dm_xml_start(NULL))
        return -1;
    fixture->folder = ts_make_folder();
    fixture->signer = ts_signer_new("DMDA", NULL, FALSE, USAGE, TS_NOW - YEAR, TS_NOW + YEAR);
    fixture->trust = ts_trust(fixture->folder, fixture->signer);
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    dm_trust_free(fixture->trust);
    ts_signer_free(fixture->signer);
    ts_remove_folder(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture);
    dm_xml_stop();
    return 0;
}

static DmFindings *judge(const Fixture *fixture, const char *head, const char *xml)
{
    g_autofree char *xml_part = ts_part("application/xml", xml);
    g_autofree char *pdf_part = ts_part("application/pdf", "%PDF-1.4\n");
    const char *const parts[] = {xml_part, pdf_part, NULL};
    g_autofree char *message = ts_message(head, parts);

    return ts_judge(fixture->trust, message, NULL);
}

/* Each changed before it is signed. */
static void test_content(void **state)
{
    static const char *const changes[][3] = {
        {"_i1", "_i2", NULL},
        {"'#_i1'", "''", NULL},
        {"Version='2.0'", "Version='1.1'", "ident.version"},
        {"_i1", "1", "ident.signature-scope ident.id"},
        {"IssueInstant", "Instant", "ident.issue-instant"},
        {" Format='" FORMAT "'>Ident", ">Ident", "ident.issuer"},
        {"Ident-Bestaetigung@alpha", "Ident-Bestaetigung@beta", "ident.issuer"},
        {"erika.mustermann@", "eva.mustermann@", "ident.subject"},
        {"NameID Format", "NameID Form", "ident.subject"},
        {"</s:Subject>", "<s:SubjectConfirmation/></s:Subject>", "ident.subject"},
        {"<s:Audience>shop", "<s:Audience>other", "ident.audience"},
        {"</s:Audience>", "</s:Audience><s:Audience>shop@beta-demail.example</s:Audience>", "ident.audience"},
        {"AuthnInstant='2026", "AuthnInstant='Feb 2026", "ident.authentication"},
        {"<s:AttributeStatement>", "<s:AuthnStatement/><s:AttributeStatement>", "ident.authentication"},
        {"s:AuthnContextClassRef", "s:AuthnContextDeclRef", "ident.authentication"},
        {"<Identcard><NaturalPerson/></Identcard>", "", "ident.card"},
        {"</s:Assertion>", "<s:Advice/></s:Assertion>", "ident.element"},
        {"<Transform Algorithm='" C14N "'/>", "<Transform Algorithm='" EXC "'/>", "ident.signature-transforms"},
        {"2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1", "ident.signature-algorithm"},
        {"urn:oasis:names:tc:SAML:2.0:assertion", "urn:other", "ident.xml-root"},
    };
    const Fixture *fixture = *state;
    g_autofree char *plain = ts_replace(assertion, "<Signature/>", signature);

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *changed = ts_replace(plain, changes[i][0], changes[i][1]);
        g_autofree char *xml = ts_sign_template(changed, fixture->signer);
        g_autoptr(DmFindings) findings = judge(fixture, header, xml);
        ts_assert_findings(findings, changes[i][2], NULL, changes[i][1]);
    }
}

static void test_header(void **state)
{
    const Fixture *fixture = *state;
    g_autofree char *plain = ts_replace(assertion, "<Signature/>", signature);
    g_autofree char *xml = ts_sign_template(plain, fixture->signer);
    g_autofree char *subject = ts_replace(header, "=?UTF-8?Q?Ident-Best=C3=A4tigung?=", "Ident");
    g_autofree char *sender = ts_replace(header, "Ident-Bestaetigung@", "ident-auskunft@");
    g_autoptr(DmFindings) good = judge(fixture, header, xml);
    g_autoptr(DmFindings) by_subject = judge(fixture, subject, xml);
    g_autoptr(DmFindings) by_sender = judge(fixture, sender, xml);

    ts_assert_findings(good, NULL, NULL, "good");
    assert_string_equal(good->statement->issuer, "Ident-Bestaetigung@alpha-demail.example");
    assert_int_equal(good->statement->time, 1770026400);
    ts_assert_findings(by_subject, "ident.mail-subject", NULL, "subject");
    ts_assert_findings(by_sender, NULL, "ident.issuer-differs", "sender");
}

static void test_signature(void **state)
{
    const Fixture *fixture = *state;
    g_autofree char *plain = ts_replace(assertion, "<Signature/>", signature);
    g_autofree char *xml = ts_sign_template(plain, fixture->signer);
    g_autofree char *changed = ts_replace(xml, "<NaturalPerson/>", "<LegalPerson/>");
    g_autofree char *none = ts_replace(assertion, "<Signature/>", "");
    g_autofree char *wrapped =
        g_strdup_printf("<s:Assertion xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='_i1'>%s</s:Assertion>",
                        strstr(xml, "<s:Assertion"));
    g_autoptr(DmFindings) bad = judge(fixture, header, changed);
    g_autoptr(DmFindings) missing = judge(fixture, header, none);
    g_autoptr(DmFindings) moved = judge(fixture, header, wrapped);

    ts_assert_findings(bad, "ident.signature-invalid", NULL, "changed");
    ts_assert_findings(missing, "ident.signature-missing", NULL, "missing");
    assert_string_equal(g_ptr_array_index(moved->reasons, 0), "ident.signature-scope");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_signature),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
