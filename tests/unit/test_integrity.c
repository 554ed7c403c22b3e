#include "common/demail.h"
#include "standard/header_hash.h"
#include "standard/integrity.h"
#include "tests/unit/support.h"

#include <openssl/ec.h>
#include <string.h>

static char *body_hash_in_steps(const char *body, gsize length, gsize step)
{
    DmBodyHash *hash = dm_body_hash_new(DM_DIGEST_SHA256);

    for (gsize i = 0; i < length; i += step)
        dm_body_hash_update(hash, body + i, MIN(step, length - i));
    return dm_body_hash_finish(hash);
}

/* RFC 6376 3.4.3: the empty body, and empty lines at the end. */
static void test_body_ends(void **state)
{
    static const struct {
        const char *body;
        const char *same_as;
    } cases[] = {
        {"", "\r\n"},
        {"a", "a\r\n"},
        {"a\r\n\r\n\r\n", "a\r\n"},
        {"\r\n\r\n", "\r\n"},
    };
    g_autofree char *empty = body_hash_in_steps("", 0, 1);
    g_autofree char *one = body_hash_in_steps("a\r\n\r\nb\r\n", 8, 3);
    g_autofree char *other = body_hash_in_steps("a\r\nb\r\n", 6, 3);

    (void)state;
    assert_string_equal(empty, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
    assert_string_not_equal(one, other);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *left = body_hash_in_steps(cases[i].body, strlen(cases[i].body), 1);
        g_autofree char *right = body_hash_in_steps(cases[i].same_as, strlen(cases[i].same_as), 2);
        assert_string_equal(left, right);
    }
}

/* Line ends of every kind come out the same in pieces of every size. */
static void test_body_pieces(void **state)
{
    static const char body[] = "\r\n\r\na\rb\nc\r\r\n\r\n\n\r\n d\r\n\r\r\n\r\n\r";
    g_autofree char *whole = body_hash_in_steps(body, sizeof body - 1, sizeof body);

    (void)state;
    for (gsize step = 1; step < sizeof body; step++) {
        g_autofree char *pieces = body_hash_in_steps(body, sizeof body - 1, step);
        assert_string_equal(pieces, whole);
    }
    g_autofree char *ended = g_strconcat(body, "\r\n", NULL);
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, ended, -1);
    gsize length = 0;
    g_autofree guchar *raw = g_base64_decode(whole, &length);
    assert_int_equal(length, 32);
    for (gsize i = 0; i < length; i++) {
        g_autofree char *octet = g_strdup_printf("%02x", raw[i]);
        assert_memory_equal(octet, hex + 2 * i, 2);
    }
}

/* The list names private-id only where there is one; lines are short. */
static void test_make(void **state)
{
    const DmIntegrityMaker maker = {.domain = "x.de-mail.de", .selector = "s1"};
    g_autoptr(DmHeaders) headers = dm_headers_new();

    (void)state;
    assert_true(dm_headers_append(headers, "From", " a@x.de-mail.de", NULL));
    assert_true(dm_headers_append(headers, "From", " second@ignored", NULL));
    g_autofree char *value = dm_integrity_make(&maker, headers, "BODYHASH=", NULL);
    assert_non_null(value);
    assert_null(strstr(value, DM_FIELD_PRIVATE_ID));
    for (const char *line = value; line != NULL; line = strchr(line + 1, '\n'))
        assert_true(strcspn(line + 1, "\n") < 79);

    assert_true(dm_headers_append(headers, DM_FIELD_PRIVATE_ID, " 1", NULL));
    g_autofree char *with_id = dm_integrity_make(&maker, headers, "BODYHASH=", NULL);
    assert_non_null(strstr(with_id, DM_FIELD_PRIVATE_ID));
}

/* A signature that the key can't make is refused, not made otherwise. */
static void test_wrong_key(void **state)
{
    DmIntegrityMaker maker = {.domain = "x.de-mail.de", .selector = "s1", .signature = DM_SIGNATURE_RSA};
    g_autoptr(DmHeaders) headers = dm_headers_new();
    g_autoptr(GError) error = NULL;

    (void)state;
    maker.key = EVP_EC_gen("P-256");
    assert_non_null(maker.key);
    assert_null(dm_integrity_make(&maker, headers, "BODYHASH=", &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_CONFIG));
    EVP_PKEY_free(maker.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_ends),
        cmocka_unit_test(test_body_pieces),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_wrong_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
