#include "common/demail.h"
#include "standard/integrity.h"
#include "tests/unit/support.h"

#include <string.h>

static char *body_hash_in_steps(const char *body, gsize length, gsize step)
{
    DmBodyHash *hash = dm_body_hash_new();

    for (gsize i = 0; i < length; i += step)
        dm_body_hash_update(hash, body + i, MIN(step, length - i));
    return dm_body_hash_finish(hash);
}

/* A message made by others: its hashes come out as they stand in it. */
static void test_vector(void **state)
{
    g_autofree char *message = NULL;
    gsize length = 0;

    (void)state;
    assert_true(g_file_get_contents(DATA_DIR "/hash-sha256.eml", &message, &length, NULL));
    const char *empty = strstr(message, "\r\n\r\n");
    assert_non_null(empty);
    g_autoptr(DmHeaders) headers = dm_headers_parse(message, (gsize)(empty + 2 - message), NULL);
    assert_non_null(headers);

    const char *value = dm_headers_get(headers, DM_FIELD_INTEGRITY, 0);
    const char *body = empty + 4;
    gsize body_length = length - (gsize)(body - message);
    for (gsize step = 1; step < 8; step++) {
        g_autofree char *body_hash = body_hash_in_steps(body, body_length, step);
        g_autofree char *tag = g_strconcat("bh=", body_hash, ";", NULL);
        assert_non_null(strstr(value, tag));
    }
    const char *b = strstr(value, "\n b=");
    assert_non_null(b);
    g_autofree char *without = g_strndup(value + 1, (gsize)(b + 4 - value - 1));
    g_autofree char *hash = dm_integrity_header_hash(headers, without);
    assert_string_equal(hash, b + 4);
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

/* What we make hashes to what it says, and its list names private-id only where there is one. */
static void test_make(void **state)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();

    (void)state;
    assert_true(dm_headers_append(headers, "From", " a@x.de-mail.de", NULL));
    assert_true(dm_headers_append(headers, "From", " second@ignored", NULL));
    g_autofree char *value = dm_integrity_make(headers, "BODYHASH=", "x.de-mail.de", "s1");
    const char *b = strstr(value, "\n b=");
    g_autofree char *without = g_strndup(value, (gsize)(b + 4 - value));
    g_autofree char *hash = dm_integrity_header_hash(headers, without);
    assert_string_equal(b + 4, hash);
    assert_null(strstr(value, DM_FIELD_PRIVATE_ID));
    for (const char *line = value; line != NULL; line = strchr(line + 1, '\n'))
        assert_true(strcspn(line + 1, "\n") < 79);

    assert_true(dm_headers_append(headers, DM_FIELD_PRIVATE_ID, " 1", NULL));
    g_autofree char *with_id = dm_integrity_make(headers, "BODYHASH=", "x.de-mail.de", "s1");
    assert_non_null(strstr(with_id, DM_FIELD_PRIVATE_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_body_ends),
        cmocka_unit_test(test_make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
