/*
 * An incoming message and an MTA that takes it, refuses it, or makes it wait, for some of its recipients.
 */
#include "poller/receive.h"

#include "poller/inject.h"
#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <string.h>

#define MAXI      "max@gemeinde.example"
#define ERIKA     "erika@gemeinde.example"
#define CATCH_ALL "poststelle@gemeinde.example"
#define MESSAGE   "From: x@y.de-mail.de\r\nSubject: Bescheid\r\n\r\nText\r\n"

/* The MTA: what it says to a recipient, and how many copies each has got. */
static struct {
    GHashTable *verdicts; /* address -> DmInjectResult; without one it takes the message */
    GHashTable *copies;
    GPtrArray *heads; /* of each copy */
    gboolean away;
} mta;

DmInjectResult dm_inject(const DmInjection *injection, char *const *recipients, GError **error)
{
    if (mta.away) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "no MTA");
        return DM_INJECT_LATER;
    }
    for (char *const *r = recipients; *r; r++) {
        DmInjectResult result = (DmInjectResult)GPOINTER_TO_INT(g_hash_table_lookup(mta.verdicts, *r));

        if (result == DM_INJECT_DONE)
            continue;
        g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the MTA says no to %s", *r);
        return result;
    }
    for (char *const *r = recipients; *r; r++) {
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(mta.copies, *r));

        g_hash_table_insert(mta.copies, g_strdup(*r), GUINT_TO_POINTER(n + 1));
        g_ptr_array_add(mta.heads, g_strndup(injection->head->str, injection->head->len));
    }
    return DM_INJECT_DONE;
}

static void say(const char *recipient, DmInjectResult result)
{
    g_hash_table_insert(mta.verdicts, g_strdup(recipient), GINT_TO_POINTER(result));
}

static guint copies(const char *recipient)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(mta.copies, recipient));
}

static const char *last_head(void)
{
    return g_ptr_array_index(mta.heads, mta.heads->len - 1);
}

typedef struct {
    char *folder;
    DmGateway *gateway;
    DmChannels *channels;
    DmJournal *journal;
    DmReceiver receiver;
    DmEntry entry;
} Fixture;

static int set_up(void **state)
{
    static char *recipients[] = {(char *)"max@gemeinde.de-mail.de", (char *)"erika@gemeinde.de-mail.de", NULL};
    Fixture *f = g_new0(Fixture, 1);
    const DmTenantConfig *tenant;

    *fake_provider() = (FakeProvider){.message = MESSAGE};
    mta.away = FALSE;
    mta.verdicts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mta.copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mta.heads = g_ptr_array_new_with_free_func(g_free);
    f->folder = ts_make_folder();
    f->gateway = ts_gateway(f->folder, "");
    dm_gateway_set_current(f->gateway);
    f->channels = dm_channels_new();
    f->journal = dm_journal_open(f->folder, FALSE, NULL);
    tenant = dm_config_tenant_by_name(f->gateway->config, "gemeinde");
    f->receiver = (DmReceiver){f->gateway, tenant, dm_channels_get(f->channels, f->gateway, tenant, NULL), f->journal};
    f->entry =
        (DmEntry){.id = (char *)"m1", .type = (char *)"normal", .private_id = (char *)"", .recipients = recipients};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_channel_unref(f->receiver.channel);
    dm_channels_free(f->channels);
    dm_journal_close(f->journal);
    dm_gateway_set_current(NULL);
    dm_gateway_unref(f->gateway);
    ts_remove_folder(f->folder);
    g_free(f->folder);
    g_free(f);
    g_hash_table_unref(mta.verdicts);
    g_hash_table_unref(mta.copies);
    g_ptr_array_unref(mta.heads);
    return 0;
}

static gboolean receive(const Fixture *f)
{
    return dm_receive(&f->receiver, &f->entry, NULL);
}

static void test_all_at_once(void **state)
{
    assert_true(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(copies(ERIKA), 1);
    assert_int_equal(fake_provider()->acks, 1);
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
}

static void test_no_second_copy_while_the_catch_all_is_full(void **state)
{
    say(ERIKA, DM_INJECT_REFUSED);
    say(CATCH_ALL, DM_INJECT_DEFERRED);
    for (guint round = 0; round < 3; round++)
        assert_false(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(fake_provider()->acks, 0);
    say(CATCH_ALL, DM_INJECT_DONE);
    assert_true(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(copies(ERIKA), 0);
    assert_int_equal(copies(CATCH_ALL), 1);
    assert_non_null(strstr(last_head(), "X-Demail-Undeliverable: " ERIKA));
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
    assert_int_equal(fake_provider()->acks, 1);
}

static void test_one_who_waits_does_not_hold_up_the_other(void **state)
{
    say(MAXI, DM_INJECT_DEFERRED);
    assert_false(receive(*state));
    assert_int_equal(copies(ERIKA), 1);
    say(MAXI, DM_INJECT_DONE);
    assert_true(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(copies(ERIKA), 1);
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
}

static void test_refused_and_undelivered_reasons_are_both_told(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    say(ERIKA, DM_INJECT_REFUSED);
    say(CATCH_ALL, DM_INJECT_REFUSED);
    assert_false(dm_receive(&f->receiver, &f->entry, &error));
    assert_non_null(strstr(error->message, "the MTA says no to " ERIKA));
    assert_non_null(strstr(error->message, "the MTA says no to " CATCH_ALL));
}

static void test_what_may_have_arrived_is_marked(void **state)
{
    say(MAXI, DM_INJECT_UNSURE);
    assert_false(receive(*state));
    say(MAXI, DM_INJECT_LATER);
    assert_false(receive(*state));
    say(MAXI, DM_INJECT_DONE);
    assert_true(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_non_null(strstr(last_head(), "X-Demail-Redelivered: yes"));
}

static void test_one_of_several_unsure(void **state)
{
    say(MAXI, DM_INJECT_REFUSED);
    say(CATCH_ALL, DM_INJECT_UNSURE);
    assert_false(receive(*state));
    assert_int_equal(copies(ERIKA), 1);
    say(CATCH_ALL, DM_INJECT_DONE);
    assert_true(receive(*state));
    assert_int_equal(copies(ERIKA), 1);
    assert_int_equal(copies(CATCH_ALL), 1);
    assert_non_null(strstr(last_head(), "X-Demail-Redelivered: yes"));
}

static void test_no_mta(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    mta.away = TRUE;
    assert_false(dm_receive(&f->receiver, &f->entry, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE));
    mta.away = FALSE;
    assert_true(receive(f));
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
}

static void test_lost_acknowledgement(void **state)
{
    fake_provider()->ack_error = FAKE_ERROR(DM_ERROR_TEMPORARY);
    assert_false(receive(*state));
    fake_provider()->ack_error = 0;
    assert_true(receive(*state));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(fake_provider()->fetches, 1);
    assert_int_equal(fake_provider()->acks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_second_copy_while_the_catch_all_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_who_waits_does_not_hold_up_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_and_undelivered_reasons_are_both_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_have_arrived_is_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_of_several_unsure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_mta, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_acknowledgement, set_up, tear_down),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
