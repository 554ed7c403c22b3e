#include "standard/trust_list.h"
#include "standard/xml.h"
#include "tests/unit/support.h"
#include "tests/unit/xml_signer.h"

#include <jansson.h>
#include <string.h>

#define NOW   ((gint64)1784116800) /* 2026-07-15T12:00:00Z */
#define YEAR  ((gint64)366 * 86400)
#define FIRST "http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/Svcstatus/"
#define LATER "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"

static int start(void **state)
{
    (void)state;
    return dm_xml_start(NULL) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    dm_xml_stop();
    return 0;
}

static DmTrustList *read_text(const char *text, X509 *signer, const char **reason)
{
    g_autoptr(GError) error = NULL;
    DmTrustList *list = NULL;

    *reason = NULL;
    list = dm_trust_list_read(text, strlen(text), signer, NOW, reason, &error);
    assert_true((list == NULL) == (error != NULL));
    return list;
}

/* One entry of the manifest. There, a list that has expired names no domain; here, that is for the caller to say. */
static void check_given(const json_t *entry, X509 *signer)
{
    g_autofree char *path = g_build_filename(GIVEN_DIR, json_string_value(json_object_get(entry, "file")), NULL);
    const char *want = json_string_value(json_array_get(json_object_get(entry, "reasons"), 0));
    g_autofree char *text = NULL;
    const char *reason = NULL;
    const char *domain;
    json_t *active;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autoptr(DmTrustList) list = read_text(text, signer, &reason);
    gboolean expired = list != NULL && dm_trust_list_expired(list, NOW);
    assert_int_equal(g_strcmp0(expired ? "tsl.expired" : reason, want), 0);
    if (list == NULL)
        return;
    assert_int_equal(list->sequence, 42);
    assert_true(dm_trust_list_is_active(list, "alpha-demail.example."));
    json_object_foreach(json_object_get(entry, "domains"), domain, active)
        assert_true((!expired && dm_trust_list_is_active(list, domain)) == json_is_true(active));
}

static void test_given(void **state)
{
    json_t *manifest = json_load_file(GIVEN_DIR "/manifest.json", 0, NULL);
    X509 *signer = dm_trust_list_signer(GIVEN_DIR "/pki/tsl-signer.pem", NULL);
    const json_t *lists = json_object_get(manifest, "tsls");

    (void)state;
    assert_non_null(signer);
    assert_int_equal(json_array_size(lists), 3);
    for (gsize i = 0; i < json_array_size(lists); i++)
        check_given(json_array_get(lists, i), signer);
    X509_free(signer);
    json_decref(manifest);
}

static char *service(const char *name, const char *status, const char *since)
{
    return g_strdup_printf("<TSPService><ServiceInformation><ServiceName><Name xml:lang='de'>%s</Name></ServiceName>"
                           "<ServiceStatus>%s</ServiceStatus><StatusStartingTime>%s</StatusStartingTime>"
                           "</ServiceInformation></TSPService>",
                           name, status, since);
}

static char *list_of(const char *next_update, const char *services)
{
    return g_strdup_printf("<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#'><SchemeInformation>"
                           "<TSLSequenceNumber> 7 </TSLSequenceNumber>"
                           "<ListIssueDateTime>2026-07-01T02:00:00+02:00</ListIssueDateTime><NextUpdate>%s</NextUpdate>"
                           "</SchemeInformation><TrustServiceProviderList><TrustServiceProvider><TSPServices>%s"
                           "</TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>",
                           next_update, services);
}

static TsSigner *new_signer(const char *name)
{
    return ts_signer_new(name, NULL, FALSE, "critical,nonRepudiation", NOW - YEAR, NOW + YEAR);
}

/* Signs a list of these services and reads it. */
static DmTrustList *read_services(const char *next_update, const char *services)
{
    g_autoptr(TsSigner) signer = new_signer("signer");
    g_autofree char *xml = list_of(next_update, services);
    g_autofree char *text = ts_sign(xml, signer);
    const char *reason = NULL;

    return read_text(text, signer->certificate, &reason);
}

static void test_status(void **state)
{
    static const struct {
        const char *status;
        const char *since;
        gboolean active;
    } cases[] = {{FIRST "accredited", "2024-01-01T00:00:00Z", TRUE},
                 {FIRST "undersupervision", "2024-01-01T00:00:00Z", TRUE},
                 {LATER "granted", "2024-01-01T00:00:00Z", TRUE},
                 {"http://uri.etsi.org/TrstSvc/Svcstatus/inaccord", "2024-01-01T00:00:00Z", TRUE},
                 {FIRST "accreditationrevoked", "2024-01-01T00:00:00Z", FALSE},
                 {FIRST "Accredited", "2024-01-01T00:00:00Z", FALSE},
                 {FIRST "supervisionincessation", "2024-01-01T00:00:00Z", FALSE},
                 {FIRST "not/granted", "2024-01-01T00:00:00Z", FALSE},
                 {LATER "withdrawn", "2024-01-01T00:00:00Z", FALSE},
                 {"http://uri.example.org/TrstSvc/Svcstatus/granted", "2024-01-01T00:00:00Z", FALSE},
                 {LATER "granted", "2026-07-15T12:00:01Z", FALSE},
                 {LATER "granted", "2026-07-15T14:00:00+02:00", TRUE},
                 {LATER "granted", "", FALSE}};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *one = service("a.example", cases[i].status, cases[i].since);
        g_autoptr(DmTrustList) list = read_services("<dateTime>2027-01-01T00:00:00Z</dateTime>", one);
        assert_non_null(list);
        assert_int_equal(list->domains->len, 1);
        assert_true(dm_trust_list_is_active(list, "a.example") == cases[i].active);
    }
}

static void test_names(void **state)
{
    static const char *const entries[][2] = {{"Several.Example", "withdrawn"},
                                             {"several.example.", "granted"},
                                             {"several.example", "withdrawn"},
                                             {"sub.several.example", "withdrawn"},
                                             {" m\xc3\xbcnchen.example\n", "granted"},
                                             {"example", "granted"},
                                             {"no domain", "granted"},
                                             {"a@b.example", "granted"},
                                             {"", "granted"}};
    g_autoptr(GString) services = g_string_new(NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_autofree char *status = g_strconcat(LATER, entries[i][1], NULL);
        g_autofree char *one = service(entries[i][0], status, "2024-01-01T00:00:00Z");
        g_string_append(services, one);
    }
    g_autoptr(DmTrustList) list = read_services("", services->str);
    assert_non_null(list);
    assert_int_equal(list->sequence, 7);
    assert_int_equal(list->issued, 1782864000);
    assert_int_equal(list->next_update, 0);
    assert_true(dm_trust_list_expired(list, NOW));
    assert_int_equal(list->domains->len, 3);
    assert_string_equal(((DmTrustListDomain *)g_ptr_array_index(list->domains, 0))->name, "several.example");
    assert_true(dm_trust_list_is_active(list, "other.several.example"));
    assert_false(dm_trust_list_is_active(list, "sub.several.example"));
    assert_false(dm_trust_list_is_active(list, "deep.sub.several.example"));
    assert_true(dm_trust_list_is_active(list, "xn--mnchen-3ya.example"));
}

/* Every change to a signed list, and what it must be called. */
static void test_tampering(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *reason;
    } cases[] = {
        {"a.example", "b.example", "tsl.signature-invalid"},
        {"<TSLSequenceNumber> 7", "<TSLSequenceNumber> 8", "tsl.signature-invalid"},
        {"<TrustServiceStatusList", "<!DOCTYPE x><TrustServiceStatusList", "tsl.malformed"},
        {"<TrustServiceStatusList", "<!DOCTYPE x [<!ENTITY e 'e'>]><TrustServiceStatusList", "tsl.malformed"},
        {"</TrustServiceStatusList>", "", "tsl.malformed"},
        {"<SignatureValue>", "<Object/><SignatureValue>", "tsl.signature-scope"},
        {"URI=\"\"", "URI=\"#x\"", "tsl.signature-scope"},
        {"xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha1", "tsl.signature-invalid"},
        {"xmlenc#sha256", "xmldsig#sha1", "tsl.signature-invalid"},
    };
    g_autoptr(TsSigner) signer = new_signer("signer");
    g_autofree char *one = service("a.example", LATER "granted", "2024-01-01T00:00:00Z");
    g_autofree char *xml = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", one);
    g_autofree char *good = ts_sign(xml, signer);
    const char *reason = NULL;

    (void)state;
    g_autoptr(DmTrustList) list = read_text(good, signer->certificate, &reason);
    assert_non_null(list);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) parts = g_strsplit(good, cases[i].from, 2);
        g_autofree char *bad = g_strjoinv(cases[i].to, parts);
        assert_string_not_equal(bad, good);
        assert_null(read_text(bad, signer->certificate, &reason));
        assert_string_equal(reason, cases[i].reason);
    }
    assert_null(read_text(xml, signer->certificate, &reason));
    assert_string_equal(reason, "tsl.signature-missing");
}

/* A good list in a forged one: with its signature where it was, or moved up to the new root. */
static void test_wrapping(void **state)
{
    g_autoptr(TsSigner) signer = new_signer("signer");
    g_autofree char *one = service("a.example", LATER "granted", "2024-01-01T00:00:00Z");
    g_autofree char *other = service("evil.example", LATER "granted", "2024-01-01T00:00:00Z");
    g_autofree char *xml = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", one);
    g_autofree char *forged = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", other);
    g_autofree char *good = ts_sign(xml, signer);
    const char *inner = strstr(good, "<TrustServiceStatusList");
    const char *signature = strstr(good, "<Signature");
    g_autofree char *head = g_strndup(forged, strlen(forged) - strlen("</TrustServiceStatusList>"));
    g_autofree char *nested = g_strconcat(head, inner, "</TrustServiceStatusList>", NULL);
    g_autofree char *moved = g_strconcat(head, signature, NULL);
    g_autofree char *twice = NULL;
    const char *reason = NULL;

    (void)state;
    assert_null(read_text(nested, signer->certificate, &reason));
    assert_string_equal(reason, "tsl.signature-scope");
    assert_null(read_text(moved, signer->certificate, &reason));
    assert_string_equal(reason, "tsl.signature-invalid");
    twice = ts_sign(good, signer);
    assert_null(read_text(twice, signer->certificate, &reason));
    assert_string_equal(reason, "tsl.signature-scope");
}

/* What the XAdES properties of a signed list say does not become a part of the list, and changing them breaks it. */
static void test_xades(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        const char *reason;
    } cases[] = {
        {"a.example", "b.example", "tsl.signature-invalid"},
        {"SigningTime>2026", "SigningTime>2027", "tsl.signature-invalid"},
        {"evil.example", "a.example", "tsl.signature-invalid"},
        {"<ds:Object>", "<ds:Object><TrustServiceProviderList/>", "tsl.signature-scope"},
        {"<SchemeInformation>", "<SchemeInformation Id='p1'>", "tsl.signature-scope"},
    };
    static const char end[] = "</xades:SignedProperties>";
    g_autoptr(TsSigner) ca = ts_signer_new("ca", NULL, TRUE, "critical,keyCertSign", NOW - YEAR, NOW + YEAR);
    g_autoptr(TsSigner) signer = ts_signer_new("signer", ca, FALSE, "critical,nonRepudiation", NOW - YEAR, NOW + YEAR);
    g_autoptr(TsSigner) stranger = new_signer("stranger");
    g_autofree char *one = service("a.example", LATER "granted", "2024-01-01T00:00:00Z");
    g_autofree char *other = service("evil.example", LATER "granted", "2024-01-01T00:00:00Z");
    g_autofree char *xml = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", one);
    g_autofree char *inner = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", other);
    g_autofree char *template = ts_with_xades(xml);
    g_auto(GStrv) around = g_strsplit(template, end, 2);
    g_autofree char *filled = g_strconcat(around[0], inner, end, around[1], NULL);
    g_autofree char *text = ts_sign_template(filled, signer);
    const char *reason = NULL;

    (void)state;
    g_autoptr(DmTrustList) list = read_text(text, signer->certificate, &reason);
    assert_non_null(list);
    assert_int_equal(list->domains->len, 1);
    assert_true(dm_trust_list_is_active(list, "a.example"));
    g_autoptr(DmTrustList) issued = read_text(text, ca->certificate, &reason);
    assert_non_null(issued);
    assert_null(read_text(text, stranger->certificate, &reason));
    assert_string_equal(reason, "tsl.signer-untrusted");
    g_auto(GStrv) around_certificate = g_strsplit(text, "X509Certificate>", 3);
    g_autofree char *bare = g_strjoinv("X509Nothing>", around_certificate);
    g_autoptr(DmTrustList) by_key = read_text(bare, signer->certificate, &reason);
    assert_non_null(by_key);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) parts = g_strsplit(text, cases[i].from, 2);
        g_autofree char *bad = g_strjoinv(cases[i].to, parts);
        assert_string_not_equal(bad, text);
        assert_null(read_text(bad, signer->certificate, &reason));
        assert_string_equal(reason, cases[i].reason);
    }
}

/* Signed, but not a list, or one without what every list has. */
static void test_no_list(void **state)
{
    static const char *const texts[] = {
        "<TrustServiceStatusList/>",
        "<x xmlns='http://uri.etsi.org/02231/v2#'><SchemeInformation>"
        "<TSLSequenceNumber>1</TSLSequenceNumber><ListIssueDateTime>2026-07-01T00:00:00Z</ListIssueDateTime>"
        "</SchemeInformation></x>",
        "<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#'><SchemeInformation>"
        "<TSLSequenceNumber>many</TSLSequenceNumber><ListIssueDateTime>2026-07-01T00:00:00Z</ListIssueDateTime>"
        "</SchemeInformation></TrustServiceStatusList>",
    };
    g_autoptr(TsSigner) signer = new_signer("signer");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = ts_sign(texts[i], signer);
        const char *reason = NULL;
        assert_null(read_text(text, signer->certificate, &reason));
        assert_string_equal(reason, "tsl.malformed");
    }
}

/* Who may sign besides the configured certificate: what it issued, for signing, as long as that is valid. */
static void test_issued_signer(void **state)
{
    static const struct {
        const char *usage;
        gint64 from;
        gint64 until;
        gboolean by_ca;
        const char *reason;
    } cases[] = {{"critical,nonRepudiation", NOW - YEAR, NOW + YEAR, TRUE, NULL},
                 {"critical,digitalSignature", NOW - YEAR, NOW + YEAR, TRUE, NULL},
                 {"critical,keyEncipherment", NOW - YEAR, NOW + YEAR, TRUE, "tsl.signer-untrusted"},
                 {"critical,nonRepudiation", NOW - YEAR, NOW - 1, TRUE, "tsl.signer-untrusted"},
                 {"critical,nonRepudiation", NOW + 1, NOW + YEAR, TRUE, "tsl.signer-untrusted"},
                 {"critical,nonRepudiation", NOW - YEAR, NOW + YEAR, FALSE, "tsl.signer-untrusted"}};
    g_autoptr(TsSigner) ca = ts_signer_new("ca", NULL, TRUE, "critical,keyCertSign", NOW - YEAR, NOW + YEAR);
    g_autoptr(TsSigner) impostor = ts_signer_new("ca", NULL, TRUE, "critical,keyCertSign", NOW - YEAR, NOW + YEAR);
    g_autofree char *xml = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", "");

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TsSigner) signer = ts_signer_new("signer", cases[i].by_ca ? ca : impostor, FALSE, cases[i].usage,
                                                   cases[i].from, cases[i].until);
        g_autofree char *text = ts_sign(xml, signer);
        const char *reason = NULL;
        g_autoptr(DmTrustList) list = read_text(text, ca->certificate, &reason);
        assert_true((list != NULL) == (cases[i].reason == NULL));
        assert_int_equal(g_strcmp0(reason, cases[i].reason), 0);
    }
}

/* One that is no CA issues nothing, whatever its key signed. */
static void test_signer_that_is_no_ca(void **state)
{
    g_autoptr(TsSigner) signer = new_signer("signer");
    g_autoptr(TsSigner) child =
        ts_signer_new("child", signer, FALSE, "critical,nonRepudiation", NOW - YEAR, NOW + YEAR);
    g_autofree char *xml = list_of("<dateTime>2027-01-01T00:00:00Z</dateTime>", "");
    g_autofree char *text = ts_sign(xml, child);
    const char *reason = NULL;

    (void)state;
    assert_null(read_text(text, signer->certificate, &reason));
    assert_string_equal(reason, "tsl.signer-untrusted");
}

static void test_signer_file(void **state)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) empty = NULL;

    (void)state;
    assert_null(dm_trust_list_signer(GIVEN_DIR "/pki/none.pem", &missing));
    assert_int_equal(missing->code, DM_ERROR_NOINPUT);
    assert_null(dm_trust_list_signer(GIVEN_DIR "/tsl-01-valid.xml", &empty));
    assert_int_equal(empty->code, DM_ERROR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_xades),
        cmocka_unit_test(test_no_list),
        cmocka_unit_test(test_issued_signer),
        cmocka_unit_test(test_signer_that_is_no_ca),
        cmocka_unit_test(test_signer_file),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
