#include "common/demail.h"
#include "common/stamp.h"
#include "tests/unit/support.h"

#include <string.h>

#define ID "00112233445566778899aabbccddeeff"

static GBytes *stamp_key(void)
{
    return g_bytes_new_static("0123456789abcdef0123456789abcdef", 32);
}

static DmHeaders *message(void)
{
    DmHeaders *headers = dm_headers_new();

    assert_true(dm_headers_append(headers, "Received", " from a", NULL));
    assert_true(dm_headers_append(headers, "X-de-mail-private", " yes", NULL));
    assert_true(dm_headers_append(headers, "X-de-mail-chosen-recipient", " to=a@x.de,\n b@x.de", NULL));
    assert_true(dm_headers_append(headers, "From", " Max <max@gemeinde.example>", NULL));
    assert_true(dm_headers_append(headers, "Subject", " Ein Brief", NULL));
    assert_true(dm_headers_append(headers, "Message-ID", " <1@gemeinde.example>", NULL));
    return headers;
}

static void add_stamp_of(DmHeaders *headers, const char *unit, guint n_recipients, gint64 time)
{
    g_autoptr(GBytes) key = stamp_key();
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < n_recipients; i++)
        g_ptr_array_add(recipients, g_strdup_printf("User%u@muster.de-mail.de", i));
    g_autofree char *stamp =
        dm_stamp_make(key, ID, "4QXYZ", "gemeinde", unit, time, recipients, "<Max@gemeinde.example>", headers, &error);
    assert_non_null(stamp);
    for (const char *line = stamp; line != NULL; line = strchr(line + 1, '\n'))
        assert_true(strcspn(line + 1, "\n") < 79);
    dm_headers_prepend(headers, DM_FIELD_STAMP, stamp);
}

static void add_stamp(DmHeaders *headers, guint n_recipients, gint64 time)
{
    add_stamp_of(headers, NULL, n_recipients, time);
}

static gboolean verifies(const DmHeaders *headers, const char *sender, gint64 max_age, const char *want_error)
{
    g_autoptr(GBytes) key = stamp_key();
    g_autoptr(GError) error = NULL;
    DmStamp stamp;
    gboolean good = dm_stamp_verify(key, headers, sender, max_age, &stamp, &error);

    if (!good) {
        assert_int_equal(error->code, DM_ERROR_PERMANENT);
        assert_non_null(strstr(error->message, want_error));
    }
    dm_stamp_clear(&stamp);
    return good;
}

static void test_round_trip(void **state)
{
    g_autoptr(DmHeaders) headers = message();
    g_autoptr(GBytes) key = stamp_key();
    DmStamp stamp;

    (void)state;
    add_stamp(headers, 9, 0);
    assert_true(dm_stamp_verify(key, headers, "max@GEMEINDE.example", 3600, &stamp, NULL));
    assert_string_equal(stamp.id, ID);
    assert_string_equal(stamp.queue_id, "4QXYZ");
    assert_string_equal(stamp.tenant, "gemeinde");
    assert_string_equal(stamp.unit, "");
    assert_int_equal(g_hash_table_size(stamp.tags), 9);
    assert_true(dm_stamp_covers(key, &stamp, "user0@muster.de-mail.de"));
    assert_true(dm_stamp_covers(key, &stamp, "<USER8@muster.de-mail.de>"));
    assert_false(dm_stamp_covers(key, &stamp, "user9@muster.de-mail.de"));
    dm_stamp_clear(&stamp);
}

static void test_unit(void **state)
{
    g_autofree char *wide = g_strnfill(DM_STAMP_UNIT_MAX - 1, 'x');
    g_autofree char *too_long = g_strconcat(wide, "\xc3\xa4", "y", NULL);
    const struct {
        const char *unit;
        const char *expected;
    } units[] = {
        {"Amt 32", "Amt 32"},
        {"a; t=1; mac=\r\n b", "a; t=1; mac=\r\n b"},
        {"B\xc3\xbcrgeramt, 100 % \"f\xc3\xbcr alle\"", "B\xc3\xbcrgeramt, 100 % \"f\xc3\xbcr alle\""},
        {"B\xfcro", "B\xef\xbf\xbdro"},
        {too_long, wide},
        {"", ""},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        g_autoptr(DmHeaders) headers = message();
        g_autoptr(GBytes) key = stamp_key();
        DmStamp stamp;
        add_stamp_of(headers, units[i].unit, 9, 0);
        assert_true(dm_stamp_verify(key, headers, "max@gemeinde.example", 3600, &stamp, NULL));
        assert_string_equal(stamp.unit, units[i].expected);
        assert_string_equal(stamp.tenant, "gemeinde");
        assert_int_equal(g_hash_table_size(stamp.tags), 9);
        dm_stamp_clear(&stamp);
    }
}

/* Billing rests on it: nobody writes another unit into a stamp, or takes it out. */
static void test_unit_forged(void **state)
{
    static const char *const forged[] = {" unit=Amt%2033;", "", " unit=Amt%2G;", " unit=%FF;"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(forged); i++) {
        g_autoptr(DmHeaders) headers = message();
        add_stamp_of(headers, "Amt 32", 1, 0);
        g_auto(GStrv) parts = g_strsplit(dm_headers_get(headers, DM_FIELD_STAMP, 0), " unit=Amt%2032;", -1);
        assert_int_equal(g_strv_length(parts), 2);
        g_autofree char *value = g_strjoinv(forged[i], parts);
        dm_headers_replace(headers, DM_FIELD_STAMP, 1, value);
        assert_false(verifies(headers, "max@gemeinde.example", 0, i < 2 ? "does not fit" : "malformed"));
    }
}

/* An MTA folds anew, and other fields come and go: the stamp still holds. */
static void test_refolded(void **state)
{
    g_autoptr(DmHeaders) headers = message();

    (void)state;
    add_stamp(headers, 5, 0);
    g_autofree char *stamp = g_strdup(dm_headers_get(headers, DM_FIELD_STAMP, 0) + 1);
    g_strdelimit(stamp, "\n", '\t');
    dm_headers_replace(headers, DM_FIELD_STAMP, 1, stamp);
    dm_headers_replace(headers, DM_FIELD_CHOSEN_RECIPIENT, 1, "to=a@x.de, b@x.de");
    dm_headers_replace(headers, "From", 1, "\"Max\"\n\t<max@gemeinde.example>");
    dm_headers_prepend(headers, "Received", "from b");
    assert_true(verifies(headers, "max@gemeinde.example", 0, ""));
}

static void test_forged(void **state)
{
    static const struct {
        const char *field;
        const char *value;
    } forgeries[] = {
        {"X-de-mail-private", "no"},
        {"X-de-mail-chosen-recipient", "to=a@x.de"},
        {"From", "Karl <karl@gemeinde.example>"},
        {"Subject", "Ein anderer Brief"},
        {"Message-ID", "<2@gemeinde.example>"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(forgeries); i++) {
        g_autoptr(DmHeaders) headers = message();
        add_stamp(headers, 1, 0);
        dm_headers_replace(headers, forgeries[i].field, 1, forgeries[i].value);
        assert_false(verifies(headers, "max@gemeinde.example", 0, "does not fit"));
    }
    g_autoptr(DmHeaders) added = message();
    add_stamp(added, 1, 0);
    assert_true(dm_headers_append(added, "X-de-mail-authoritative", " yes", NULL));
    assert_false(verifies(added, "max@gemeinde.example", 0, "does not fit"));

    g_autoptr(DmHeaders) other_sender = message();
    add_stamp(other_sender, 1, 0);
    assert_false(verifies(other_sender, "karl@gemeinde.example", 0, "does not fit"));
}

static void test_malformed(void **state)
{
    static const char *const values[] = {
        "",
        "v=1",
        "v=2; id=" ID "; q=; tenant=a; t=1; rcpt=a; mac=00",
        "v=1; id=" ID "; q=; tenant=a; t=1; rcpt=a; mac=00",
        "id=" ID "; v=1; q=; tenant=a; t=1; rcpt=a; mac=00",
    };
    static const char *const elements[] = {
        "v=1", "id=" ID, "q=4Q", "tenant=gemeinde", "t=1700000000", "rcpt=0000000000000000", "mac=" ID ID,
    };
    g_autoptr(DmHeaders) none = message();

    (void)state;
    assert_false(verifies(none, "max@gemeinde.example", 0, "no stamp"));
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autoptr(DmHeaders) headers = message();
        dm_headers_prepend(headers, DM_FIELD_STAMP, values[i]);
        assert_false(verifies(headers, "max@gemeinde.example", 0, "malformed"));
    }
    for (guint left_out = 0; left_out < 7; left_out++) {
        g_autoptr(DmHeaders) headers = message();
        g_autoptr(GString) value = g_string_new(NULL);
        for (guint i = 0; i < 7; i++) {
            if (i != left_out)
                g_string_append_printf(value, "%s%s", value->len > 0 ? "; " : "", elements[i]);
        }
        dm_headers_prepend(headers, DM_FIELD_STAMP, value->str);
        assert_false(verifies(headers, "max@gemeinde.example", 0, "malformed"));
    }
    g_autoptr(DmHeaders) twice = message();
    add_stamp(twice, 1, 0);
    add_stamp(twice, 1, 0);
    assert_false(verifies(twice, "max@gemeinde.example", 0, "more than one"));
}

static void test_age(void **state)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(DmHeaders) old = message();
    g_autoptr(DmHeaders) future = message();

    (void)state;
    add_stamp(old, 1, now - 100);
    assert_true(verifies(old, "max@gemeinde.example", 200, ""));
    assert_false(verifies(old, "max@gemeinde.example", 50, "older than"));
    assert_true(verifies(old, "max@gemeinde.example", 0, ""));
    add_stamp(future, 1, now + 3600);
    g_autoptr(GBytes) key = stamp_key();
    g_autoptr(GError) error = NULL;
    DmStamp stamp;

    assert_false(dm_stamp_verify(key, future, "max@gemeinde.example", 50, &stamp, &error));
    assert_int_equal(error->code, DM_ERROR_TEMPORARY);
    assert_non_null(strstr(error->message, "future"));
}

static void test_many_recipients(void **state)
{
    g_autoptr(DmHeaders) headers = message();

    (void)state;
    add_stamp(headers, DM_STAMP_RECIPIENTS_MAX, 0);
    assert_true(verifies(headers, "max@gemeinde.example", 0, ""));
}

static void test_ids(void **state)
{
    g_autofree char *a = dm_stamp_new_id(NULL);
    g_autofree char *b = dm_stamp_new_id(NULL);

    (void)state;
    assert_int_equal(strlen(a), DM_STAMP_ID_LENGTH);
    assert_string_not_equal(a, b);
}

static void test_ids_in_order(void **state)
{
    g_autofree char *before = dm_stamp_new_id(NULL);
    gint64 now = g_get_real_time() / 1000;

    (void)state;
    while (g_get_real_time() / 1000 == now)
        continue;
    for (guint i = 0; i < 100; i++) {
        g_autofree char *after = dm_stamp_new_id(NULL);
        assert_true(strcmp(before, after) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_unit),
        cmocka_unit_test(test_unit_forged), cmocka_unit_test(test_refolded),
        cmocka_unit_test(test_forged),      cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_age),         cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_ids),         cmocka_unit_test(test_ids_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
