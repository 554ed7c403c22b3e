#include "standard/certificate.h"
#include "standard/trust.h"
#include "tests/unit/support.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define AT  1772452800 /* 2026-03-02T12:00:00Z */
#define DAY 86400

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} Issuer;

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_true(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Valid from 30 days before AT to 30 days after it. */
static X509 *make_certificate(const char *name, long serial, EVP_PKEY *key, const Issuer *issuer, const char *usage)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    assert_true(X509_set_version(certificate, X509_VERSION_3));
    assert_true(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const guchar *)name, -1, -1, 0));
    assert_true(
        X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), AT - 30 * DAY));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), AT + 30 * DAY));
    assert_true(X509_set_pubkey(certificate, key));
    add_extension(certificate, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, NID_key_usage, usage);
    assert_true(X509_sign(certificate, issuer != NULL ? issuer->key : key, EVP_sha256()));
    return certificate;
}

static void open_issuer(Issuer *issuer)
{
    issuer->key = EVP_EC_gen("P-256");
    assert_non_null(issuer->key);
    issuer->certificate = make_certificate("Root", 1, issuer->key, NULL, "critical,keyCertSign,cRLSign");
}

static void close_issuer(Issuer *issuer)
{
    X509_free(issuer->certificate);
    EVP_PKEY_free(issuer->key);
}

/* A list, good for 60 days around AT, that revokes `serial` from `since` on; signed with `key`. */
static char *make_list(const Issuer *issuer, EVP_PKEY *key, long serial, gint64 since, const char *folder)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, AT - 30 * DAY);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    char *path = g_build_filename(folder, "list.pem", NULL);

    assert_true(X509_CRL_set_version(list, X509_CRL_VERSION_2));
    assert_true(X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate)));
    assert_true(X509_CRL_set1_lastUpdate(list, time));
    assert_non_null(ASN1_TIME_set(time, AT + 30 * DAY));
    assert_true(X509_CRL_set1_nextUpdate(list, time));
    assert_non_null(ASN1_TIME_set(time, since));
    assert_true(ASN1_INTEGER_set(number, serial));
    assert_true(X509_REVOKED_set_serialNumber(entry, number));
    assert_true(X509_REVOKED_set_revocationDate(entry, time));
    assert_true(X509_CRL_add0_revoked(list, entry));
    assert_true(X509_CRL_sign(list, key, EVP_sha256()));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(PEM_write_X509_CRL(file, list));
    fclose(file);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
    X509_CRL_free(list);
    return path;
}

static char *write_certificate(X509 *certificate, const char *folder)
{
    char *path = g_build_filename(folder, "root.pem", NULL);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(PEM_write_X509(file, certificate));
    fclose(file);
    return path;
}

/* What is found on the certificate, warnings in brackets, but those that all of these have. */
static char *findings(const Issuer *issuer, char *list, X509 *certificate, gint64 at, const char *folder)
{
    g_autofree char *anchor = write_certificate(issuer->certificate, folder);
    char *anchors[] = {anchor, NULL};
    char *lists[] = {list, NULL};
    g_autoptr(DmTrust) trust = dm_trust_new(anchors, lists, NULL);
    g_autoptr(DmFindings) findings = dm_findings_new();
    GString *out = g_string_new(NULL);

    assert_non_null(trust);
    gboolean good = dm_trust_judge(trust, certificate, at, findings);
    assert_int_equal(good, findings->reasons->len == 0);
    for (guint i = 0; i < findings->reasons->len; i++)
        g_string_append_printf(out, "%s ", (const char *)g_ptr_array_index(findings->reasons, i));
    for (guint i = 0; i < findings->warnings->len; i++) {
        const char *warning = g_ptr_array_index(findings->warnings, i);
        if (strcmp(warning, "certificate.not-qualified") != 0)
            g_string_append_printf(out, "(%s) ", warning);
    }
    return g_strchomp(g_string_free(out, FALSE));
}

static void assert_findings(const Issuer *issuer, char *list, X509 *certificate, gint64 at, const char *folder,
                            const char *expected)
{
    g_autofree char *said = findings(issuer, list, certificate, at, folder);

    assert_string_equal(said, expected);
}

static void test_judge(void **state)
{
    const char *folder = *state;
    Issuer root;
    Issuer foreign;
    EVP_PKEY *key = EVP_EC_gen("P-256");

    open_issuer(&root);
    open_issuer(&foreign);
    g_autoptr(X509) seal = make_certificate("Siegel", 7, key, &root, "critical,nonRepudiation");
    g_autoptr(X509) forged = make_certificate("Siegel", 7, key, &foreign, "critical,digitalSignature");
    g_autoptr(X509) encrypts = make_certificate("Siegel", 7, key, &root, "critical,keyEncipherment");
    g_autofree char *other = make_list(&root, root.key, 8, AT - DAY, folder);
    assert_findings(&root, other, seal, AT, folder, "");
    assert_findings(&root, other, seal, AT + 31 * DAY, folder, "certificate.expired (certificate.revocation-unknown)");
    assert_findings(&root, other, seal, AT - 31 * DAY, folder,
                    "certificate.not-yet-valid (certificate.revocation-unknown)");
    assert_findings(&root, other, forged, AT, folder, "certificate.untrusted");
    assert_findings(&root, other, encrypts, AT, folder, "certificate.key-usage");
    assert_findings(&root, NULL, seal, AT, folder, "(certificate.revocation-unknown)");

    g_autofree char *revoking = make_list(&root, root.key, 7, AT - DAY, folder);
    assert_findings(&root, revoking, seal, AT, folder, "certificate.revoked");
    assert_findings(&root, revoking, seal, AT - 2 * DAY, folder, "");
    g_autofree char *forging = make_list(&root, foreign.key, 7, AT - DAY, folder);
    assert_findings(&root, forging, seal, AT, folder, "(certificate.revocation-unknown)");
    EVP_PKEY_free(key);
    close_issuer(&root);
    close_issuer(&foreign);
}

static void assert_refused(char *anchor, char *list, DmError code)
{
    char *anchors[] = {anchor, NULL};
    char *lists[] = {list, NULL};
    g_autoptr(GError) error = NULL;

    assert_null(dm_trust_new(anchor != NULL ? anchors : NULL, list != NULL ? lists : NULL, &error));
    assert_true(g_error_matches(error, DM_ERROR, (gint)code));
}

static void test_files(void **state)
{
    Issuer root;

    open_issuer(&root);
    g_autofree char *empty = ts_write(*state, "empty.pem", "no certificate\n");
    g_autofree char *certificate = write_certificate(root.certificate, *state);
    assert_refused((char *)"/does/not/exist.pem", NULL, DM_ERROR_NOINPUT);
    assert_refused(empty, NULL, DM_ERROR_CONFIG);
    assert_refused(NULL, certificate, DM_ERROR_CONFIG);
    g_autoptr(DmTrust) none = dm_trust_new(NULL, NULL, NULL);
    assert_non_null(none);
    assert_false(dm_trust_has_anchors(none));
    close_issuer(&root);
}

/* Exactly one DER certificate, in base64 with or without folds. */
static void test_field(void **state)
{
    Issuer root;

    (void)state;
    open_issuer(&root);
    g_autofree char *text = dm_certificate_format(root.certificate);
    g_autofree char *twice = g_strconcat(text, text, NULL);
    g_autofree char *armoured = g_strconcat("-----BEGIN CERTIFICATE-----", text, "-----END CERTIFICATE-----", NULL);
    g_autoptr(X509) read = dm_certificate_read(text);
    assert_non_null(read);
    assert_int_equal(X509_cmp(read, root.certificate), 0);
    assert_null(dm_certificate_read(twice));
    assert_null(dm_certificate_read(armoured));
    assert_null(dm_certificate_read(""));
    assert_null(dm_certificate_read("AAAA"));

    gsize length = 0;
    g_autofree guchar *der = g_base64_decode(text, &length);
    g_autofree guchar *longer = g_malloc0(length + 3);
    memcpy(longer, der, length);
    g_autofree char *trailing = g_base64_encode(longer, length + 3);
    assert_null(dm_certificate_read(trailing));
    close_issuer(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_judge, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_files, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
