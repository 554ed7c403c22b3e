#include "standard/xml.h"
#include "tests/unit/support.h"
#include "tests/unit/xml_signer.h"

#include <string.h>

#define NOW   ((gint64)1784116800)
#define YEAR  ((gint64)366 * 86400)
#define USAGE "critical,digitalSignature,nonRepudiation"
#define DS    "http://www.w3.org/2000/09/xmldsig#"
#define MORE  "http://www.w3.org/2001/04/xmldsig-more#"
#define ENC   "http://www.w3.org/2001/04/xmlenc#"
#define EXC   "http://www.w3.org/2001/10/xml-exc-c14n#"
#define C14N  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define SAML  "urn:oasis:names:tc:SAML:2.0:assertion"

typedef struct {
    const char *uri; /* with the name: URI='' */
    const char *method;
    const char *canonicalisation;
    const char *digest;
    const char *transforms;
    const char *more; /* in Signature, after KeyInfo */
} Template;

#define TRANSFORM(uri) "<Transform Algorithm='" uri "'/>"
#define ENVELOPED      TRANSFORM(DS "enveloped-signature")

static const Template good = {"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED TRANSFORM(EXC), ""};

static int set_up(void **state)
{
    *state = dm_xml_start(NULL) ? ts_signer_new("DMDA", NULL, FALSE, USAGE, NOW - YEAR, NOW + YEAR) : NULL;
    return *state != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    ts_signer_free(*state);
    dm_xml_stop();
    return 0;
}

static char *make_template(const Template *template)
{
    return g_strdup_printf(
        "<Signature xmlns='" DS "'><SignedInfo><CanonicalizationMethod Algorithm='%s'/><SignatureMethod "
        "Algorithm='%s'/><Reference %s><Transforms>%s</Transforms><DigestMethod Algorithm='%s'/><DigestValue/>"
        "</Reference></SignedInfo><SignatureValue/><KeyInfo><X509Data/></KeyInfo>%s</Signature>",
        template->canonicalisation, template->method, template->uri, template->transforms, template->digest,
        template->more);
}

/* A document of `format`, in which %s becomes the signature. */
static char *sign(const char *format, const Template *template, const TsSigner *signer)
{
    g_autofree char *signature = make_template(template);
    g_auto(GStrv) around = g_strsplit(format, "%s", 2);
    g_autofree char *xml = g_strconcat(around[0], signature, around[1], NULL);

    return ts_sign_template(xml, signer);
}

static char *replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, 2);

    assert_non_null(parts[1]);
    return g_strjoinv(to, parts);
}

static void assert_form_judged(const char *xml, DmXmlForm form, EVP_PKEY *key, DmXmlSignature wanted)
{
    g_autoptr(xmlDoc) document = dm_xml_parse(xml, strlen(xml), NULL);

    assert_non_null(document);
    assert_int_equal(dm_xml_signature_judge(document, form, key, NULL), wanted);
}

static void assert_judged(const char *xml, EVP_PKEY *key, DmXmlSignature wanted)
{
    assert_form_judged(xml, DM_XML_FORM_PLAIN, key, wanted);
}

static void test_good_forms(void **state)
{
    static const char *const canonicalisations[] = {
        EXC, EXC "WithComments", C14N, C14N "#WithComments", "http://www.w3.org/2006/12/xml-c14n11",
    };
    static const char *const methods[] = {MORE "ecdsa-sha256", MORE "ecdsa-sha384", MORE "ecdsa-sha512"};
    static const char *const digests[] = {ENC "sha256", MORE "sha384", ENC "sha512"};

    for (gsize i = 0; i < G_N_ELEMENTS(canonicalisations); i++) {
        g_autofree char *transforms =
            g_strconcat(ENVELOPED "<Transform Algorithm='", canonicalisations[i], "'/>", NULL);
        Template template = {"URI=''", methods[i % 3], canonicalisations[i], digests[i % 3], transforms, ""};
        g_autofree char *xml = sign("<a><b>text</b><!-- remark -->%s</a>", &template, *state);
        assert_judged(xml, NULL, DM_XML_SIGNATURE_GOOD);
        g_autofree char *changed = replace(xml, "text", "TEXT");
        assert_judged(changed, NULL, DM_XML_SIGNATURE_BAD);
    }
}

static void test_certificate_is_returned(void **state)
{
    const TsSigner *signer = *state;
    g_autofree char *xml = sign("<a>%s</a>", &good, signer);
    g_autoptr(xmlDoc) document = dm_xml_parse(xml, strlen(xml), NULL);
    X509 *certificate = NULL;

    assert_int_equal(dm_xml_signature_judge(document, DM_XML_FORM_PLAIN, NULL, &certificate), DM_XML_SIGNATURE_GOOD);
    assert_non_null(certificate);
    assert_int_equal(X509_cmp(certificate, signer->certificate), 0);
    X509_free(certificate);
}

static void test_only_the_key_given_counts(void **state)
{
    const TsSigner *signer = *state;
    g_autoptr(TsSigner) other = ts_signer_new("DMDA", NULL, FALSE, USAGE, NOW - YEAR, NOW + YEAR);
    g_autofree char *xml = sign("<a>%s</a>", &good, other);

    assert_judged(xml, other->key, DM_XML_SIGNATURE_GOOD);
    assert_judged(xml, signer->key, DM_XML_SIGNATURE_BAD);
    g_autofree char *bare = sign("<a>%s</a>", &good, signer);
    char *start = strstr(bare, "<KeyInfo>");
    char *end = strstr(bare, "</KeyInfo>");
    memmove(start, end + strlen("</KeyInfo>"), strlen(end) - strlen("</KeyInfo>") + 1);
    assert_judged(bare, signer->key, DM_XML_SIGNATURE_GOOD);
    assert_judged(bare, NULL, DM_XML_SIGNATURE_CERTIFICATE);
}

/* Made by other software; xmlsec1 1.2 can't sign so. */
static void test_pss(void **state)
{
    g_autofree char *xml = NULL;

    (void)state;
    assert_true(g_file_get_contents(DATA_DIR "/signed-pss.xml", &xml, NULL, NULL));
    assert_judged(xml, NULL, DM_XML_SIGNATURE_GOOD);
    g_autofree char *changed = replace(xml, "text", "TEXT");
    assert_judged(changed, NULL, DM_XML_SIGNATURE_BAD);
    g_autofree char *other = replace(xml, "#sha256-rsa-MGF1", "#sha384-rsa-MGF1");
    assert_judged(other, NULL, DM_XML_SIGNATURE_BAD);
}

static void test_missing(void **state)
{
    (void)state;
    assert_judged("<a/>", NULL, DM_XML_SIGNATURE_MISSING);
    assert_judged("<a><Signature/></a>", NULL, DM_XML_SIGNATURE_MISSING);
}

/* Every one is signed by the right key; only the form is not what we take. */
static void test_refused_forms(void **state)
{
    static const struct {
        Template template;
        const char *document;
        DmXmlSignature wanted;
    } cases[] = {
        {{"URI=''", DS "ecdsa-sha1", EXC, ENC "sha256", ENVELOPED, ""}, "<a>%s</a>", DM_XML_SIGNATURE_ALGORITHM},
        {{"URI=''", MORE "ecdsa-sha1", EXC, ENC "sha256", ENVELOPED, ""}, "<a>%s</a>", DM_XML_SIGNATURE_ALGORITHM},
        {{"URI=''", MORE "ecdsa-sha256", EXC, DS "sha1", ENVELOPED, ""}, "<a>%s</a>", DM_XML_SIGNATURE_ALGORITHM},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED TRANSFORM(EXC) TRANSFORM(C14N), ""},
         "<a>%s</a>",
         DM_XML_SIGNATURE_ALGORITHM},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256",
          ENVELOPED "<Transform Algorithm='http://www.w3.org/TR/1999/REC-xpath-19991116'><XPath>1</XPath></Transform>",
          ""},
         "<a>%s</a>",
         DM_XML_SIGNATURE_ALGORITHM},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", TRANSFORM("http://www.w3.org/TR/1999/REC-xslt-19991116"),
          ""},
         "<a>%s</a>",
         DM_XML_SIGNATURE_ALGORITHM},
        {{"URI='#x'", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED TRANSFORM(EXC), ""},
         "<a xml:id='x'>%s</a>",
         DM_XML_SIGNATURE_SCOPE},
        {{"URI='#x'", MORE "ecdsa-sha256", EXC, ENC "sha256", TRANSFORM(EXC), ""},
         "<a><b xml:id='x'/>%s</a>",
         DM_XML_SIGNATURE_SCOPE},
        {{"", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED, ""}, "<a>%s</a>", DM_XML_SIGNATURE_SCOPE},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED, "<Object><b/></Object>"},
         "<a>%s</a>",
         DM_XML_SIGNATURE_SCOPE},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED, ""}, "<a><b>%s</b></a>", DM_XML_SIGNATURE_SCOPE},
        {{"URI=''", MORE "ecdsa-sha256", EXC, ENC "sha256", ENVELOPED, ""}, "%s", DM_XML_SIGNATURE_SCOPE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *signature = make_template(&cases[i].template);
        g_auto(GStrv) around = g_strsplit(cases[i].document, "%s", 2);
        g_autofree char *xml = g_strconcat(around[0], signature, around[1], NULL);
        const TsSigner *signer = *state;
        assert_judged(xml, signer->key, cases[i].wanted);
    }
}

static void test_second_signature_and_wrapping(void **state)
{
    const TsSigner *signer = *state;
    g_autofree char *xml = sign("<a><b>1</b>%s</a>", &good, signer);
    char *start = strstr(xml, "<Signature");
    g_autofree char *signature = g_strndup(start, (gsize)(strstr(start, "</Signature>") + 12 - start));
    const char *body = strstr(xml, "<a>");

    assert_judged(xml, signer->key, DM_XML_SIGNATURE_GOOD);
    g_autofree char *twice = replace(xml, "</Signature>", "</Signature><Signature xmlns='" DS "'/>");
    assert_judged(twice, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *before = replace(xml, "<b>", "<c><Signature xmlns='" DS "'/></c><b>");
    assert_judged(before, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *wrapped = g_strdup_printf("<a><b>2</b><old>%s</old></a>", body);
    assert_judged(wrapped, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *moved = g_strdup_printf("<a><b>2</b>%s<old><a><b>1</b></a></old></a>", signature);
    assert_judged(moved, signer->key, DM_XML_SIGNATURE_BAD);
    g_autofree char *two_references =
        replace(xml, "</Reference>", "</Reference><Reference URI=''><DigestValue/></Reference>");
    assert_judged(two_references, signer->key, DM_XML_SIGNATURE_SCOPE);
}

static void test_saml_id(void **state)
{
    static const char format[] = "<s:Assertion xmlns:s='" SAML "' ID='i1'><b ID='i2'>text</b>%s</s:Assertion>";
    static const Template whole = {"URI='#i1'", MORE "ecdsa-sha256", C14N, ENC "sha256", ENVELOPED TRANSFORM(C14N), ""};
    static const Template part = {"URI='#i2'", MORE "ecdsa-sha256", C14N, ENC "sha256", ENVELOPED TRANSFORM(C14N), ""};
    const TsSigner *signer = *state;
    g_autofree char *xml = sign(format, &whole, signer);
    g_autofree char *xml_part = sign(format, &part, signer);
    g_autofree char *not_saml = sign("<a ID='i1'>%s</a>", &whole, signer);

    assert_judged(xml, signer->key, DM_XML_SIGNATURE_GOOD);
    assert_judged(xml_part, signer->key, DM_XML_SIGNATURE_SCOPE);
    assert_judged(not_saml, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *changed = replace(xml, "text", "TEXT");
    assert_judged(changed, signer->key, DM_XML_SIGNATURE_BAD);
    g_autofree char *stolen = replace(xml, "<b ", "<b xml:id=\"i1\" ");
    assert_judged(stolen, signer->key, DM_XML_SIGNATURE_SCOPE);
}

#define PROPERTIES_TYPE " Type='http://uri.etsi.org/01903#SignedProperties'"
#define WHOLE           "<ds:Reference Id='r1' URI=''>"
#define SECOND          "<ds:Reference" PROPERTIES_TYPE " URI='#p1'>"
#define IN_EXC          "<ds:Transform Algorithm='" EXC "'/>"
#define TRANSFORMS(all) "<ds:Transforms>" all "</ds:Transforms>"
#define DIGEST(uri)     "<ds:DigestMethod Algorithm='" uri "'/><ds:DigestValue/></ds:Reference>"
#define TO_PROPERTIES   SECOND TRANSFORMS(IN_EXC) DIGEST(ENC "sha256")
#define OBJECT          "<ds:Object>"
#define PROPERTIES      "<xades:SignedProperties Id='p1'>"
#define END(name)       "</xades:" name ">"

/* `from` becomes `to` in the document with a template for XAdES before it is signed, and how it must be judged then. */
typedef struct {
    const char *from;
    const char *to;
    DmXmlSignature wanted;
} XadesCase;

static char *sign_xades(const char *from, const char *to, const TsSigner *signer)
{
    g_autofree char *xml = ts_with_xades("<a><b>text</b><c/></a>");
    g_autofree char *changed = replace(xml, from, to);

    return ts_sign_template(changed, signer);
}

static void assert_xades(const XadesCase *cases, gsize count, const TsSigner *signer)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *xml = sign_xades(cases[i].from, cases[i].to, signer);
        g_autoptr(xmlDoc) document = dm_xml_parse(xml, strlen(xml), NULL);
        DmXmlSignature judged = dm_xml_signature_judge(document, DM_XML_FORM_OR_XADES, signer->key, NULL);
        if (judged != cases[i].wanted)
            fail_msg("%s -> %s: %d", cases[i].from, cases[i].to, (int)judged);
        assert_int_equal(dm_xml_signature_judge(document, DM_XML_FORM_OR_XADES, NULL, NULL), judged);
    }
}

static void test_xades_forms(void **state)
{
    static const XadesCase cases[] = {
        {"text", "TEXT", DM_XML_SIGNATURE_GOOD},
        {TO_PROPERTIES, SECOND DIGEST(ENC "sha512"), DM_XML_SIGNATURE_GOOD},
        {TO_PROPERTIES, SECOND TRANSFORMS("<ds:Transform Algorithm='" C14N "'/>") DIGEST(MORE "sha384"),
         DM_XML_SIGNATURE_GOOD},
        {TO_PROPERTIES, SECOND DIGEST(DS "sha1"), DM_XML_SIGNATURE_ALGORITHM},
        {WHOLE TRANSFORMS("<ds:Transform Algorithm='" DS "enveloped-signature'/>" IN_EXC) DIGEST(ENC "sha256")
             TO_PROPERTIES,
         TO_PROPERTIES WHOLE TRANSFORMS("<ds:Transform Algorithm='" DS "enveloped-signature'/>" IN_EXC)
             DIGEST(ENC "sha256"),
         DM_XML_SIGNATURE_GOOD},
        {OBJECT, "<ds:Object Id='o1'>\n", DM_XML_SIGNATURE_GOOD},
    };
    const TsSigner *signer = *state;
    g_autofree char *xml = sign_xades("text", "TEXT", signer);
    g_autofree char *plain = sign("<a>%s</a>", &good, signer);

    assert_xades(cases, G_N_ELEMENTS(cases), signer);
    assert_form_judged(plain, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_GOOD);
    assert_form_judged(xml, DM_XML_FORM_PLAIN, signer->key, DM_XML_SIGNATURE_SCOPE);
}

static void test_xades_references(void **state)
{
    static const XadesCase cases[] = {
        {TO_PROPERTIES, "", DM_XML_SIGNATURE_SCOPE},
        {WHOLE TRANSFORMS("<ds:Transform Algorithm='" DS "enveloped-signature'/>" IN_EXC) DIGEST(ENC "sha256"), "",
         DM_XML_SIGNATURE_SCOPE},
        {TO_PROPERTIES, TO_PROPERTIES TO_PROPERTIES, DM_XML_SIGNATURE_SCOPE},
        {TO_PROPERTIES, TO_PROPERTIES "<ds:Reference URI='#r1'>" DIGEST(ENC "sha256"), DM_XML_SIGNATURE_SCOPE},
        {WHOLE, WHOLE TRANSFORMS("<ds:Transform Algorithm='" DS "enveloped-signature'/>") DIGEST(ENC "sha256") WHOLE,
         DM_XML_SIGNATURE_SCOPE},
        {WHOLE, "<ds:Reference URI='#s1'>", DM_XML_SIGNATURE_SCOPE},
        {SECOND, "<ds:Reference URI='#p1'>", DM_XML_SIGNATURE_SCOPE},
        {SECOND, "<ds:Reference Type='" DS "Manifest' URI='#p1'>", DM_XML_SIGNATURE_SCOPE},
        {SECOND, "<ds:Reference" PROPERTIES_TYPE " URI=''>", DM_XML_SIGNATURE_SCOPE},
        {SECOND, "<ds:Reference" PROPERTIES_TYPE " URI='#r1'>", DM_XML_SIGNATURE_SCOPE},
        {SECOND, "<ds:Reference" PROPERTIES_TYPE " URI=\"#xpointer(id('p1'))\">", DM_XML_SIGNATURE_SCOPE},
        {SECOND TRANSFORMS(IN_EXC), SECOND TRANSFORMS(IN_EXC IN_EXC), DM_XML_SIGNATURE_SCOPE},
        {SECOND TRANSFORMS(IN_EXC),
         SECOND TRANSFORMS("<ds:Transform Algorithm='http://www.w3.org/TR/1999/REC-xpath-19991116'>"
                           "<ds:XPath>1</ds:XPath></ds:Transform>"),
         DM_XML_SIGNATURE_SCOPE},
    };

    assert_xades(cases, G_N_ELEMENTS(cases), *state);
}

static void test_xades_object(void **state)
{
    static const XadesCase cases[] = {
        {OBJECT, "<ds:Object/>" OBJECT, DM_XML_SIGNATURE_SCOPE},
        {OBJECT, OBJECT "<ds:Manifest/>", DM_XML_SIGNATURE_SCOPE},
        {OBJECT, OBJECT "<xades:QualifyingProperties xmlns:xades='http://uri.etsi.org/01903/v1.3.2#'/>",
         DM_XML_SIGNATURE_SCOPE},
        {END("QualifyingProperties"),
         END("QualifyingProperties") "<xades:QualifyingProperties xmlns:xades='http://uri.etsi.org/01903/v1.3.2#'/>",
         DM_XML_SIGNATURE_SCOPE},
        {"01903/v1.3.2#", "01903/v1.1.1#", DM_XML_SIGNATURE_SCOPE},
        {" Target='#s1'", "", DM_XML_SIGNATURE_SCOPE},
        {" Target='#s1'", " Target='s1'", DM_XML_SIGNATURE_SCOPE},
        {" Target='#s1'", " Target='#s2'", DM_XML_SIGNATURE_SCOPE},
        {" Id='s1'", "", DM_XML_SIGNATURE_SCOPE},
        {PROPERTIES, "<xades:SignedProperties/>" PROPERTIES, DM_XML_SIGNATURE_SCOPE},
        {END("SignedProperties"), END("SignedProperties") "<xades:UnsignedProperties/>", DM_XML_SIGNATURE_SCOPE},
        {PROPERTIES, "<xades:SignedProperties xml:id='p1'>", DM_XML_SIGNATURE_SCOPE},
    };
    const TsSigner *signer = *state;
    g_autofree char *odd = sign_xades(PROPERTIES, PROPERTIES, signer);
    g_auto(GStrv) parts = g_strsplit(odd, "p1", -1);
    g_autofree char *no_name = g_strjoinv("p1')|id('p1", parts);

    assert_xades(cases, G_N_ELEMENTS(cases), signer);
    assert_form_judged(no_name, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_SCOPE);
}

/* Elements with the Id of what is signed, or that in another place than where it is looked for. */
static void test_xades_wrapping(void **state)
{
    static const XadesCase cases[] = {
        {"<c/>", "<c Id='p1'/>", DM_XML_SIGNATURE_SCOPE},
        {"<c/>", "<c ID='p1'/>", DM_XML_SIGNATURE_SCOPE},
        {"<c/>", "<c xml:id='p1'/>", DM_XML_SIGNATURE_SCOPE},
        {"<c/>", "<c xml:id='s1'/>", DM_XML_SIGNATURE_SCOPE},
        {"<c/>", "<c x:id='p1' xmlns:x='urn:x'/>", DM_XML_SIGNATURE_SCOPE},
        {"<ds:KeyInfo>", "<ds:KeyInfo Id='p1'>", DM_XML_SIGNATURE_SCOPE},
        {"<xades:SigningTime>", "<xades:SigningTime Id='p1'>", DM_XML_SIGNATURE_SCOPE},
    };
    const TsSigner *signer = *state;
    g_autofree char *xml = sign_xades("text", "text", signer);
    const char *start = strstr(xml, "<xades:SignedProperties");
    const char *end = strstr(start, END("SignedProperties")) + strlen(END("SignedProperties"));
    g_autofree char *before = g_strndup(xml, (gsize)(start - xml));
    g_autofree char *properties = g_strndup(start, (gsize)(end - start));
    g_autofree char *emptied = g_strconcat(before, end, NULL);
    g_autofree char *forged = g_strconcat(before, "<xades:SignedProperties Id='p2'/>", end, NULL);

    assert_xades(cases, G_N_ELEMENTS(cases), signer);
    assert_form_judged(xml, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_GOOD);
    assert_form_judged(emptied, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *outside = g_strconcat("<d xmlns:ds='" DS "' xmlns:xades='http://uri.etsi.org/01903/v1.3.2#'>",
                                           properties, "</d><b>", NULL);
    g_autofree char *moved = replace(emptied, "<b>", outside);
    assert_form_judged(moved, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_SCOPE);
    g_autofree char *replaced = replace(forged, "<b>", outside);
    assert_form_judged(replaced, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_SCOPE);
}

static void test_xades_value(void **state)
{
    static const char *const changes[][2] = {{"text", "TEXT"},
                                             {"SigningTime>2026", "SigningTime>2027"},
                                             {"<c/>", ""},
                                             {"<xades:Cert>", "<xades:Cert Id=''>"}};
    const TsSigner *signer = *state;
    g_autoptr(TsSigner) other = ts_signer_new("DMDA", NULL, FALSE, USAGE, NOW - YEAR, NOW + YEAR);
    g_autofree char *xml = sign_xades("text", "text", signer);

    assert_form_judged(xml, DM_XML_FORM_OR_XADES, other->key, DM_XML_SIGNATURE_BAD);
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *changed = replace(xml, changes[i][0], changes[i][1]);
        assert_form_judged(changed, DM_XML_FORM_OR_XADES, signer->key, DM_XML_SIGNATURE_BAD);
    }
}

static void assert_refused(const char *xml, gsize length, const char *why)
{
    g_autoptr(GError) error = NULL;
    gint64 before = g_get_monotonic_time();

    assert_null(dm_xml_parse(xml, length, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_PERMANENT));
    assert_non_null(strstr(error->message, why));
    assert_true(g_get_monotonic_time() - before < 10 * G_USEC_PER_SEC);
}

static char *repeat(const char *start, const char *middle, guint times, const char *end)
{
    GString *text = g_string_new(start);

    for (guint i = 0; i < times; i++)
        g_string_append(text, middle);
    g_string_append(text, end);
    return g_string_free(text, FALSE);
}

static void test_refused_documents(void **state)
{
    g_autofree char *many = repeat("<a>", "<b/>", 300000, "</a>");
    g_autofree char *deep = repeat("", "<a>", 70, "");
    g_autofree char *comments = repeat("<a>", "<!---->", 200000, "</a>");

    (void)state;
    assert_refused("<a>", 3, "not well-formed");
    assert_refused("", 0, "not well-formed");
    assert_refused("<a/>\0", 5, "not well-formed");
    assert_refused("<a/>\0<b/>", 9, "not well-formed");
    assert_refused("<!DOCTYPE a><a/>", 16, "document type");
    static const char bomb[] = "<!DOCTYPE a [<!ENTITY x 'xx'><!ENTITY y '&x;&x;'>]><a>&y;</a>";
    assert_refused(bomb, strlen(bomb), "document type");
    static const char outside[] = "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>";
    assert_refused(outside, strlen(outside), "document type");
    assert_refused("<a>&x;</a>", 10, "not well-formed");
    static const char odd[] = "<?xml version='1.0' encoding='UTF-7'?><a/>";
    assert_refused(odd, strlen(odd), "encoding");
    assert_refused(many, strlen(many), "too many");
    assert_refused(comments, strlen(comments), "too many");
    assert_refused(deep, strlen(deep), "too deeply");
}

static void test_encodings(void **state)
{
    static const char latin[] = "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>\n";
    static const char wide[] = "\xff\xfe<\0a\0/\0>\0\n\0";
    g_autoptr(xmlDoc) in_latin = dm_xml_parse(latin, strlen(latin), NULL);
    g_autoptr(xmlDoc) in_wide = dm_xml_parse(wide, sizeof(wide) - 1, NULL);

    (void)state;
    assert_non_null(in_latin);
    assert_non_null(in_wide);
}

static void test_crowded_element(void **state)
{
    GString *text = g_string_new("<a");

    (void)state;
    for (guint i = 0; i < 50000; i++)
        g_string_append_printf(text, " a%u=''", i);
    g_string_append(text, "/>");
    assert_refused(text->str, text->len, "too large");
    g_string_free(text, TRUE);
}

static void test_child_text(void **state)
{
    static const char xml[] =
        "<a xmlns='u' xmlns:o='v'><o:b>other</o:b><b>on<!-- c -->e<![CDATA[ & ]]>two</b><b>2</b></a>";
    g_autoptr(xmlDoc) document = dm_xml_parse(xml, strlen(xml), NULL);

    (void)state;
    assert_non_null(document);
    g_autofree char *text = dm_xml_child_text(xmlDocGetRootElement(document), "b");
    assert_string_equal(text, "one & two");
    assert_null(dm_xml_child_text(xmlDocGetRootElement(document), "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_forms),
        cmocka_unit_test(test_certificate_is_returned),
        cmocka_unit_test(test_only_the_key_given_counts),
        cmocka_unit_test(test_pss),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_refused_forms),
        cmocka_unit_test(test_second_signature_and_wrapping),
        cmocka_unit_test(test_saml_id),
        cmocka_unit_test(test_xades_forms),
        cmocka_unit_test(test_xades_references),
        cmocka_unit_test(test_xades_object),
        cmocka_unit_test(test_xades_wrapping),
        cmocka_unit_test(test_xades_value),
        cmocka_unit_test(test_refused_documents),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_crowded_element),
        cmocka_unit_test(test_child_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
