#include "common/demail.h"
#include "standard/certificate.h"
#include "standard/header_hash.h"
#include "standard/integrity.h"
#include "standard/verify.h"
#include "standard/xml.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT   1772452800 /* 2026-03-02T12:00:00Z */
#define BODY "Guten Tag,\r\n\r\nanbei der Bescheid.\r\n"

static DmFindings *verify_bytes(const DmTrust *trust, const char *bytes, gsize length, const DmHeaders *original)
{
    int fd = memfd_create("message", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    DmFindings *findings = dm_verify(trust, fd, AT, original, NULL);
    assert_non_null(findings);
    close(fd);
    return findings;
}

static char *joined(const GPtrArray *words)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < words->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(words, i));
    return g_string_free(text, FALSE);
}

static char *joined_json(const json_t *words)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < json_array_size(words); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", json_string_value(json_array_get(words, i)));
    return g_string_free(text, FALSE);
}

static void assert_words(const GPtrArray *said, const json_t *expected)
{
    g_autofree char *left = joined(said);
    g_autofree char *right = joined_json(expected);

    assert_string_equal(left, right);
}

static void assert_text(const char *said, const json_t *message, const char *key)
{
    const json_t *expected = json_object_get(message, key);

    if (json_is_null(expected))
        assert_null(said);
    else if (expected != NULL)
        assert_string_equal(said, json_string_value(expected));
}

static DmHeaders *read_headers(const char *file)
{
    g_autofree char *path = g_build_filename(GIVEN_DIR, file, NULL);
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    DmHeaders *headers = dm_headers_parse(text, (gsize)(strstr(text, "\r\n\r\n") + 2 - text), NULL);
    assert_non_null(headers);
    return headers;
}

static void check_given(const DmTrust *trust, const json_t *message)
{
    static const char *const classes[] = {NULL, "N", "B", "M", "I"};
    static const char *const forms[] = {NULL, "hash", "signed"};
    const char *original = json_string_value(json_object_get(message, "original"));
    g_autofree char *path = g_build_filename(GIVEN_DIR, json_string_value(json_object_get(message, "file")), NULL);
    g_autofree char *text = NULL;
    gsize length = 0;

    assert_true(g_file_get_contents(path, &text, &length, NULL));
    g_autoptr(DmHeaders) headers = original != NULL ? read_headers(original) : NULL;
    g_autoptr(DmFindings) findings = verify_bytes(trust, text, length, headers);
    assert_words(findings->reasons, json_object_get(message, "reasons"));
    assert_words(findings->warnings, json_object_get(message, "warnings"));
    assert_int_equal(dm_findings_valid(findings), json_is_true(json_object_get(message, "valid")));
    assert_int_equal(findings->deliverable, json_is_true(json_object_get(message, "deliverable")));
    assert_text(findings->message_type, message, "message_type");
    assert_text(classes[findings->message_class], message, "class");
    assert_text(findings->algorithm, message, "a");
    assert_text(forms[findings->form], message, "form");
    assert_text(findings->digest, message, "digest");
    assert_text(findings->signature_algorithm, message, "signature_algorithm");
    assert_text(findings->body_hash, message, "body_hash");
    assert_text(findings->header_hash, message, "header_hash");
}

/* Messages made by others, with all that their manifest says of them. */
static void test_given(void **state)
{
    char *anchors[] = {(char *)GIVEN_DIR "/pki/root.pem", NULL};
    char *crls[] = {(char *)GIVEN_DIR "/pki/root.crl.pem", NULL};
    g_autoptr(DmTrust) trust = dm_trust_new(anchors, crls, NULL);
    json_t *manifest = json_load_file(GIVEN_DIR "/manifest.json", 0, NULL);
    const json_t *messages = json_object_get(manifest, "messages");

    (void)state;
    assert_non_null(trust);
    assert_int_equal(json_array_size(messages), 12);
    for (gsize i = 0; i < json_array_size(messages); i++)
        check_given(trust, json_array_get(messages, i));
    json_decref(manifest);
}

/* A certificate that its own key has signed, for anchoring as it is. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const guchar *)"Siegel", -1, -1, 0));
    assert_true(X509_set_issuer_name(certificate, name));
    assert_true(ASN1_TIME_set(X509_getm_notBefore(certificate), AT - 86400 * 365) != NULL);
    assert_true(ASN1_TIME_set(X509_getm_notAfter(certificate), AT + 86400) != NULL);
    assert_true(X509_set_pubkey(certificate, key));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static DmTrust *trust_in(X509 *certificate, const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "anchor.pem", NULL);
    FILE *file = fopen(path, "w");
    char *anchors[] = {path, NULL};

    assert_non_null(file);
    assert_true(PEM_write_X509(file, certificate));
    fclose(file);
    return dm_trust_new(anchors, NULL, NULL);
}

/* Every field of the list, and those that must be there besides. */
static DmHeaders *make_headers(void)
{
    static const char *const fields[][2] = {
        {"From", " Erika <erika@muster.de-mail.de>"},
        {"Date", " Mon, 02 Feb 2026 10:16:30 +0100"},
        {"Message-ID", " <1@muster.de-mail.de>"},
        {"Subject", " Bescheid vom\n 2. Februar"},
        {"Reply-To", " poststelle@muster.de-mail.de"},
        {DM_FIELD_DISPATCH, " yes"},
        {DM_FIELD_RECEIPT, " no"},
        {DM_FIELD_RETRIEVE, " no"},
        {DM_FIELD_AUTHORITATIVE, " yes"},
        {DM_FIELD_PRIVATE, " no"},
        {DM_FIELD_SENDER, " erika@muster.de-mail.de"},
        {DM_FIELD_CHOSEN_RECIPIENT, " to=max@muster.de-mail.de"},
        {DM_FIELD_ACTUAL_RECIPIENT, " to=max@muster.de-mail.de"},
        {DM_FIELD_AUTH_MECHANISM, " Token"},
        {DM_FIELD_AUTH_LEVEL, " high"},
        {DM_FIELD_PROVIDER, " mail.muster.de-mail.de"},
        {DM_FIELD_MESSAGE_TYPE, " normal"},
        {DM_FIELD_VERSION, " 1.8"},
        {DM_FIELD_PRIVATE_ID, " AZ 1"},
        {DM_FIELD_MESSAGE_ID, " 1.demail@muster.de-mail.de"},
        {DM_FIELD_ACCOUNT_HOLDER, " Erika Mustermann"},
    };
    DmHeaders *headers = dm_headers_new();

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        assert_true(dm_headers_append(headers, fields[i][0], fields[i][1], NULL));
    return headers;
}

static GString *make_message(DmDigest digest, DmSignatureAlgorithm signature, EVP_PKEY *key, X509 *certificate)
{
    const DmIntegrityMaker maker = {"muster.de-mail.de", "s1", digest, signature, key};
    g_autoptr(DmHeaders) headers = make_headers();
    DmBodyHash *hash = dm_body_hash_new(digest);
    GString *message = g_string_new(NULL);

    if (signature == DM_SIGNATURE_NONE)
        dm_headers_replace(headers, DM_FIELD_AUTHORITATIVE, 1, "no");
    dm_body_hash_update(hash, BODY, strlen(BODY));
    g_autofree char *body_hash = dm_body_hash_finish(hash);
    g_autofree char *integrity = dm_integrity_make(&maker, headers, body_hash, NULL);
    assert_non_null(integrity);
    dm_headers_prepend(headers, DM_FIELD_INTEGRITY, integrity);
    if (signature != DM_SIGNATURE_NONE) {
        g_autofree char *seal = dm_certificate_format(certificate);
        dm_headers_prepend(headers, DM_FIELD_CERTIFICATE, seal);
    }
    dm_headers_write(headers, message);
    g_string_append(message, "\r\n" BODY);
    return message;
}

static void assert_found(const DmTrust *trust, GString *message, gsize at, guint bit, const char *where)
{
    message->str[at] = (char)(message->str[at] ^ (1 << bit));
    g_autoptr(DmFindings) findings = verify_bytes(trust, message->str, message->len, NULL);
    if (dm_findings_valid(findings))
        fail_msg("bit %u of octet %zu of %s", bit, at, where);
    message->str[at] = (char)(message->str[at] ^ (1 << bit));
}

/* Flips one bit of each octet of the field, another one from octet to octet. */
static void flip_field(const DmTrust *trust, GString *message, const char *name)
{
    g_autofree char *start = g_strconcat("\n", name, ":", NULL);
    const char *field = strstr(message->str, start);

    assert_non_null(field);
    gsize at = (gsize)(field + 1 - message->str);
    for (guint bit = 0; message->str[at] != '\r' || strchr(" \t", message->str[at + 2]) != NULL;
         at++, bit = (bit + 1) % 8)
        assert_found(trust, message, at, bit, name);
    assert_found(trust, message, at, 0, name);
}

static void flip_body(const DmTrust *trust, GString *message)
{
    for (gsize at = message->len - strlen(BODY); at < message->len; at++) {
        for (guint bit = 0; bit < 8; bit++)
            assert_found(trust, message, at, bit, "the body");
    }
}

static void flip_all(DmDigest digest, DmSignatureAlgorithm signature, EVP_PKEY *key, const char *folder)
{
    EVP_PKEY *sealing = key != NULL ? key : EVP_EC_gen("P-256");
    g_autoptr(X509) certificate = make_certificate(sealing);
    g_autoptr(DmTrust) trust = trust_in(certificate, folder);
    GString *message = make_message(digest, signature, key, certificate);
    g_autoptr(DmFindings) findings = verify_bytes(trust, message->str, message->len, NULL);
    g_autofree char *reasons = joined(findings->reasons);

    assert_string_equal(reasons, "");
    for (guint i = 0; i < DM_HASHED_FIELD_COUNT; i++)
        flip_field(trust, message, dm_hashed_field(i));
    flip_body(trust, message);
    g_string_free(message, TRUE);
    EVP_PKEY_free(sealing);
}

static void test_flips_hash(void **state)
{
    flip_all(DM_DIGEST_SHA256, DM_SIGNATURE_NONE, NULL, *state);
}

static void test_flips_ecdsa(void **state)
{
    flip_all(DM_DIGEST_SHA384, DM_SIGNATURE_ECDSA, EVP_EC_gen("P-256"), *state);
}

static void test_flips_rsa(void **state)
{
    flip_all(DM_DIGEST_SHA256, DM_SIGNATURE_RSA, EVP_RSA_gen(3072), *state);
}

static void test_flips_pss(void **state)
{
    flip_all(DM_DIGEST_SHA512, DM_SIGNATURE_PSS, EVP_RSA_gen(3072), *state);
}

/* Without the certificate, without trust in it, and with a key of another kind. */
static void test_seal_errors(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_RSA_gen(3072);
    g_autoptr(X509) certificate = make_certificate(key);
    g_autoptr(X509) foreign = make_certificate(other);
    g_autoptr(DmTrust) trust = trust_in(certificate, *state);
    g_autoptr(DmTrust) none = dm_trust_new(NULL, NULL, NULL);
    GString *message = make_message(DM_DIGEST_SHA256, DM_SIGNATURE_ECDSA, key, certificate);
    GString *mixed = make_message(DM_DIGEST_SHA256, DM_SIGNATURE_ECDSA, key, foreign);
    g_autoptr(DmFindings) untrusted = verify_bytes(none, message->str, message->len, NULL);
    g_autoptr(DmFindings) wrong = verify_bytes(trust, mixed->str, mixed->len, NULL);
    g_autofree char *untrusted_reasons = joined(untrusted->reasons);
    g_autofree char *wrong_reasons = joined(wrong->reasons);

    assert_string_equal(untrusted_reasons, "certificate.untrusted");
    assert_string_equal(wrong_reasons, "signature.key-type certificate.untrusted");
    const char *integrity = strstr(message->str, DM_FIELD_INTEGRITY);
    g_autoptr(DmFindings) stripped =
        verify_bytes(trust, integrity, message->len - (gsize)(integrity - message->str), NULL);
    g_autofree char *stripped_reasons = joined(stripped->reasons);
    assert_string_equal(stripped_reasons, "certificate.missing");
    g_string_free(message, TRUE);
    g_string_free(mixed, TRUE);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* A copy whose line ends became LF: that is said, and not what follows from it. */
static void test_converted(void **state)
{
    char *anchors[] = {(char *)GIVEN_DIR "/pki/root.pem", NULL};
    g_autoptr(DmTrust) trust = dm_trust_new(anchors, NULL, NULL);
    g_autofree char *text = NULL;

    (void)state;
    assert_true(g_file_get_contents(GIVEN_DIR "/02-signed-sha256-rsa.eml", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    g_autofree char *converted = g_strjoinv("\n", lines);
    g_autoptr(DmFindings) findings = verify_bytes(trust, converted, strlen(converted), NULL);
    g_autofree char *reasons = joined(findings->reasons);
    assert_string_equal(reasons, "syntax.bare-lf");
}

/* The numbers below `count`, each between `before` and `after`. */
static char *numbered(const char *before, guint count, const char *after)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < count; i++)
        g_string_append_printf(text, "%s%u%s", before, i, after);
    return g_string_free(text, FALSE);
}

/* As much as a header can hold of what must be compared with each other does not take minutes. */
static void test_crowded(void **state)
{
    g_autofree char *fields = numbered("a", 30000, ":\r\n");
    g_autofree char *names = numbered(":b", 30000, "");
    g_autofree char *tags = numbered("; c", 60000, "=1");
    g_autofree char *resent = numbered("a", 30000, "@b.c,");
    g_autofree char *actual = numbered("b", 30000, "@b.c,");
    char *messages[] = {
        g_strconcat(fields, DM_FIELD_INTEGRITY ": a=sha256; h=From", names, "\r\n\r\n", NULL),
        g_strconcat(DM_FIELD_INTEGRITY ": v=1", tags, "\r\n\r\n", NULL),
        g_strconcat("Resent-To: ", resent, "a@b.c\r\n" DM_FIELD_ACTUAL_RECIPIENT ": to=", actual, "a@b.c\r\n\r\n",
                    NULL),
    };
    static const char *const reasons[] = {"integrity.h-extra", "integrity.missing-tag", "forward.recipient"};
    g_autoptr(DmTrust) none = dm_trust_new(NULL, NULL, NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
        gint64 before = g_get_monotonic_time();
        g_autoptr(DmFindings) findings = verify_bytes(none, messages[i], strlen(messages[i]), NULL);
        assert_true(g_ptr_array_find_with_equal_func(findings->reasons, reasons[i], g_str_equal, NULL));
        assert_true(g_get_monotonic_time() - before < 10 * G_USEC_PER_SEC);
        g_free(messages[i]);
    }
}

/* What is no message is judged, not refused. */
static void test_odd_files(void **state)
{
    g_autoptr(DmTrust) none = dm_trust_new(NULL, NULL, NULL);
    g_autofree char *huge = g_strnfill(3 * 1024 * 1024, 'a');
    static const char *const texts[] = {"", "\r\n", "\r\n\r\n", "\n", "x", ":", ": \r\n", "a:b", " a\r\n b:c\r\n\r\n"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DmFindings) findings = verify_bytes(none, texts[i], strlen(texts[i]), NULL);
        g_autofree char *found = joined(findings->reasons);
        assert_non_null(strstr(found, "header."));
    }
    g_autoptr(DmFindings) findings = verify_bytes(none, huge, strlen(huge), NULL);
    g_autofree char *reasons = joined(findings->reasons);
    assert_non_null(strstr(reasons, "syntax.header-size"));
}

static int set_up_all(void **state)
{
    g_mime_init();
    assert_true(dm_xml_start(NULL));
    return ts_set_up(state);
}

static int tear_down_all(void **state)
{
    dm_xml_stop();
    g_mime_shutdown();
    return ts_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given),     cmocka_unit_test(test_flips_hash), cmocka_unit_test(test_flips_ecdsa),
        cmocka_unit_test(test_flips_rsa), cmocka_unit_test(test_flips_pss),  cmocka_unit_test(test_seal_errors),
        cmocka_unit_test(test_converted), cmocka_unit_test(test_odd_files),  cmocka_unit_test(test_crowded),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
