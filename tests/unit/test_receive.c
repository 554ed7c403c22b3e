/*
 * An incoming message and an MTA that takes it, refuses it, or makes it wait, for some of its recipients; and what
 * becomes of messages that verify, that do not, and that are about what was sent.
 */
#include "poller/receive.h"

#include "poller/anchors.h"
#include "poller/inject.h"
#include "standard/xml.h"
#include "tests/unit/fake_provider.h"
#include "tests/unit/support.h"

#include <glib/gstdio.h>
#include <gmime/gmime.h>
#include <string.h>

#define MAXI      "max@gemeinde.example"
#define ERIKA     "erika@gemeinde.example"
#define CATCH_ALL "poststelle@gemeinde.example"
#define MESSAGE   "From: x@y.de-mail.de\r\nSubject: Bescheid\r\n\r\nText\r\n"

/* The MTA: what it says to a recipient, and how many copies each has got. */
static struct {
    GHashTable *findingss; /* address -> DmInjectResult; without one it takes the message */
    GHashTable *copies;
    GPtrArray *heads; /* of each copy */
    char *sender;     /* of the last */
    gboolean away;
} mta;

DmInjector *dm_injector_new(void)
{
    return NULL;
}

void dm_injector_free(DmInjector *injector)
{
    (void)injector;
}

DmInjectResult dm_inject(const DmInjection *injection, char *const *recipients, GError **error)
{
    if (mta.away) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "no MTA");
        return DM_INJECT_LATER;
    }
    for (char *const *r = recipients; *r; r++) {
        DmInjectResult result = (DmInjectResult)GPOINTER_TO_INT(g_hash_table_lookup(mta.findingss, *r));

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
    g_free(mta.sender);
    mta.sender = g_strdup(injection->sender);
    return DM_INJECT_DONE;
}

static void say(const char *recipient, DmInjectResult result)
{
    g_hash_table_insert(mta.findingss, g_strdup(recipient), GINT_TO_POINTER(result));
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
    char *message; /* what the provider has, if not MESSAGE */
} Fixture;

static int set_up(void **state)
{
    static char *recipients[] = {(char *)"max@gemeinde.de-mail.de", (char *)"erika@gemeinde.de-mail.de", NULL};
    Fixture *f = g_new0(Fixture, 1);
    const DmTenantConfig *tenant;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    *fake_provider() = (FakeProvider){.message = MESSAGE};
    mta.away = FALSE;
    mta.findingss = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mta.copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mta.heads = g_ptr_array_new_with_free_func(g_free);
    f->folder = ts_make_folder();
    f->gateway = ts_gateway(f->folder, "trust_anchors = " GIVEN_DIR "/pki/root.pem");
    assert_true(dm_anchors_attach(f->gateway, problems, NULL));
    dm_gateway_set_current(f->gateway);
    f->channels = dm_channels_new();
    f->journal = dm_journal_open(f->folder, DM_JOURNAL_OWN, NULL);
    tenant = dm_config_tenant_by_name(f->gateway->config, "gemeinde");
    f->receiver = (DmReceiver){f->gateway, tenant, dm_channels_get(f->channels, f->gateway, tenant, NULL),
                               f->journal, NULL,   NULL};
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
    g_free(f->message);
    g_free(f);
    g_clear_pointer(&mta.sender, g_free);
    g_hash_table_unref(mta.findingss);
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

/* 0: the journal does not have it. */
static DmReceivedState journal_state(const Fixture *f)
{
    DmReceived received = {0};
    gboolean found;

    assert_true(dm_journal_get_received(f->journal, "gemeinde", f->entry.id, &received, &found, NULL));
    dm_received_clear(&received);
    return received.state;
}

static void test_no_mta(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    mta.away = TRUE;
    assert_false(dm_receive(&f->receiver, &f->entry, &error));
    assert_true(g_error_matches(error, DM_ERROR, DM_ERROR_UNAVAILABLE));
    assert_int_equal(journal_state(f), DM_RECEIVED_FETCHED);
    mta.away = FALSE;
    assert_true(receive(f));
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
}

static void test_what_could_not_be_tried_stands_in_the_journal(void **state)
{
    const Fixture *f = *state;
    g_autofree char *map = g_build_filename(f->folder, "addresses", NULL);

    assert_int_equal(g_unlink(map), 0);
    assert_false(receive(f));
    assert_int_equal(journal_state(f), DM_RECEIVED_FETCHED);
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

/* The provider took the acknowledgement, and its list says no more; the journal could not note it. */
static void test_acknowledged_after_a_crash(void **state)
{
    const Fixture *f = *state;
    DmReceived received = {0};
    gboolean found;

    fake_provider()->ack_error = FAKE_ERROR(DM_ERROR_TEMPORARY);
    assert_false(receive(f));
    assert_false(dm_receive_catch_up(&f->receiver, NULL));
    fake_provider()->ack_error = FAKE_ERROR(DM_ERROR_PERMANENT);
    assert_true(dm_receive_catch_up(&f->receiver, NULL)); /* logged and left */
    fake_provider()->ack_error = FAKE_ERROR(DM_ERROR_UNAVAILABLE);
    assert_false(dm_receive_catch_up(&f->receiver, NULL));
    fake_provider()->ack_error = 0;
    assert_true(dm_receive_catch_up(&f->receiver, NULL));
    assert_int_equal(fake_provider()->acks, 1);
    assert_true(dm_journal_get_received(f->journal, "gemeinde", "m1", &received, &found, NULL));
    assert_int_equal(received.state, DM_RECEIVED_ACKNOWLEDGED);
    dm_received_clear(&received);
    assert_true(dm_receive_catch_up(&f->receiver, NULL));
    assert_int_equal(fake_provider()->acks, 1);
}

/* The provider has this one of the given messages, with `from` replaced by `to` (may be NULL). */
static void give(Fixture *f, const char *name, const char *from, const char *to)
{
    g_autofree char *path = g_build_filename(GIVEN_DIR, name, NULL);

    assert_true(g_file_get_contents(path, &f->message, NULL, NULL));
    if (from) {
        char *at = strstr(f->message, from);

        assert_non_null(at);
        assert_int_equal(strlen(from), strlen(to));
        memcpy(at, to, strlen(to));
    }
    fake_provider()->message = f->message;
}

static void test_status(void **state)
{
    static const struct {
        const char *name;
        const char *results;
        const char *status;
    } cases[] = {
        {NULL, "x-demail=none\r\n", "verified=none;\r\n signed=no;"},
        {"01-hash-sha256.eml", "x-demail=pass (hash)\r\n", "verified=pass;\r\n signed=no;"},
        {"03-signed-sha256-ecdsa.eml", "x-demail=pass (signed)\r\n", "verified=pass;\r\n signed=\"CN="},
        {"10-tampered-body.eml", "x-demail=fail\r\n reason=\"integrity.", "verified=fail;\r\n signed=no;"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Fixture *f = *state;
        g_autofree char *id = g_strdup_printf("m%u", (guint)i);

        if (cases[i].name)
            give(f, cases[i].name, NULL, NULL);
        f->entry.id = id;
        assert_true(receive(f));
        g_clear_pointer(&f->message, g_free);
        assert_non_null(strstr(last_head(), "Authentication-Results: gemeinde.example;\r\n "));
        assert_non_null(strstr(last_head(), cases[i].results));
        assert_non_null(strstr(last_head(), cases[i].status));
    }
}

#define GID "00112233445566778899aabbccddeeff"

/* A De-Mail that Max sent from one of his e-mail addresses. */
static void put_state_from(const Fixture *f, DmSentState state, const char *email, const char *private_id,
                           const char *message_id, const char *recipient)
{
    const DmSentMessage message = {(char *)GID,
                                   5,
                                   (char *)"gemeinde",
                                   (char *)"4Q",
                                   (char *)email,
                                   (char *)"max@gemeinde.de-mail.de",
                                   (char *)message_id,
                                   (char *)private_id,
                                   0,
                                   NULL};
    const DmSent sent = {state, 5, NULL, NULL, (char *)"p-1", NULL, NULL};

    assert_true(dm_journal_put_sent(f->journal, GID, &message, (char *[]){(char *)recipient}, &sent, 1, NULL));
}

static void put_sent_from(const Fixture *f, const char *email, const char *private_id, const char *message_id,
                          const char *recipient)
{
    put_state_from(f, DM_SENT_ACCEPTED, email, private_id, message_id, recipient);
}

static void put_sent(const Fixture *f, const char *private_id, const char *message_id, const char *recipient)
{
    put_sent_from(f, MAXI, private_id, message_id, recipient);
}

static void assert_sent_state(const Fixture *f, const char *expected)
{
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(f->journal, GID, NULL);

    assert_int_equal(recipients->len, 1);
    assert_string_equal(dm_sent_recipient_state(g_ptr_array_index(recipients, 0)), expected);
}

#define RECEIPT_OF "<20260202.00004@alpha-demail.example>"

static void test_receipt_goes_to_the_sender(void **state)
{
    Fixture *f = *state;
    DmReceived received;
    gboolean found;

    put_sent(f, "Vorgang 9", RECEIPT_OF, "max.mustermann@beta-demail.example");
    give(f, "07-confirmation-receipt.eml", NULL, NULL);
    f->entry.recipients = (char *[]){(char *)"max@gemeinde.de-mail.de", NULL};
    assert_true(receive(f));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(mta.heads->len, 1);
    assert_non_null(strstr(last_head(), "In-Reply-To: " RECEIPT_OF "\r\n"));
    assert_non_null(strstr(last_head(), "References: " RECEIPT_OF "\r\n"));
    assert_string_equal(mta.sender, "postmaster@gemeinde.example");
    assert_sent_state(f, "received");
    assert_true(dm_journal_get_received(f->journal, "gemeinde", "m1", &received, &found, NULL));
    assert_string_equal(received.about, GID);
    assert_string_equal(received.verified, "pass");
    dm_received_clear(&received);
}

/* To whom Reply-To sent it, and to the sender all the same. */
static void test_receipt_for_another_mailbox(void **state)
{
    Fixture *f = *state;

    put_sent(f, "Vorgang 9", RECEIPT_OF, "max.mustermann@beta-demail.example");
    give(f, "07-confirmation-receipt.eml", NULL, NULL);
    f->entry.recipients = (char *[]){(char *)"erika@gemeinde.de-mail.de", NULL};
    assert_true(receive(f));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(copies(ERIKA), 1);
}

/* The address that he sent from, not the one that his De-Mail address maps to; and one that nobody has is no reason to
 * tell the catch-all. */
static void test_receipt_for_an_extended_address(void **state)
{
    Fixture *f = *state;

    put_sent_from(f, "max+akte@gemeinde.example", "Vorgang 9", RECEIPT_OF, "max.mustermann@beta-demail.example");
    give(f, "07-confirmation-receipt.eml", NULL, NULL);

    g_autofree char *message =
        g_strconcat("Envelope-to: max@gemeinde.de-mail.de, nobody@kreis.de-mail.de\r\n", f->message, NULL);

    fake_provider()->message = message;
    assert_true(receive(f));
    assert_non_null(strstr(last_head(), "verified=pass"));
    assert_int_equal(mta.heads->len, 1);
    assert_int_equal(copies("max+akte@gemeinde.example"), 1);
}

static void test_forged_receipt(void **state)
{
    Fixture *f = *state;

    put_sent(f, "Vorgang 9", RECEIPT_OF, "max.mustermann@beta-demail.example");
    give(f, "07-confirmation-receipt.eml", "Mon, 02 Feb 2026", "Mon, 09 Feb 2026");
    f->entry.recipients = (char *[]){(char *)"erika@gemeinde.de-mail.de", NULL};
    assert_true(receive(f));
    assert_int_equal(copies(ERIKA), 1);
    assert_int_equal(copies(MAXI), 0);
    assert_non_null(strstr(last_head(), "verified=fail"));
    assert_sent_state(f, "accepted");
}

static void test_receipt_of_what_we_did_not_send(void **state)
{
    Fixture *f = *state;

    give(f, "07-confirmation-receipt.eml", NULL, NULL);
    assert_true(receive(f));
    assert_int_equal(copies(MAXI), 1);
    assert_int_equal(copies(ERIKA), 1);
    assert_non_null(strstr(last_head(), "References: " RECEIPT_OF "\r\n"));
}

static void test_notification_becomes_a_report(void **state)
{
    Fixture *f = *state;

    put_sent(f, "AZ 8", "<8@gemeinde.example>", "unbekannt@beta-demail.example");
    give(f, "08-notification.eml", NULL, NULL);
    f->entry.recipients = (char *[]){(char *)"max@gemeinde.de-mail.de", NULL};
    say(MAXI, DM_INJECT_UNSURE);
    assert_false(receive(f));
    say(MAXI, DM_INJECT_DONE);
    assert_true(receive(f));
    assert_int_equal(copies(MAXI), 1);
    assert_string_equal(mta.sender, "");
    assert_non_null(strstr(last_head(), "Content-Type: multipart/report; report-type=delivery-status;"));
    assert_non_null(strstr(last_head(), "In-Reply-To: <8@gemeinde.example>\r\n"));
    assert_non_null(strstr(last_head(), "X-Demail-Status: verified=pass;"));
    assert_non_null(strstr(last_head(), "X-Demail-Redelivered: yes\r\n"));
    assert_sent_state(f, "undeliverable");
}

static void test_confirmation_that_is_faster_than_the_answer(void **state)
{
    Fixture *f = *state;
    char *const recipient[] = {(char *)"max.mustermann@beta-demail.example", NULL};
    const DmSent sent = {DM_SENT_ACCEPTED, 5, NULL, NULL, NULL, NULL, NULL};

    put_state_from(f, DM_SENT_SUBMITTING, MAXI, "AZ 4711/2026", "", recipient[0]);
    give(f, "06-confirmation-dispatch.eml", NULL, NULL);
    assert_true(receive(f));
    assert_int_equal(mta.heads->len, 0);
    assert_int_equal(fake_provider()->acks, 0);
    assert_sent_state(f, "submitting");
    assert_true(dm_journal_put_sent(f->journal, GID, NULL, recipient, &sent, 1, NULL));
    assert_true(receive(f));
    assert_int_equal(fake_provider()->acks, 1);
    assert_null(strstr(last_head(), "X-Demail-Redelivered"));
    assert_sent_state(f, "dispatched");
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
        cmocka_unit_test_setup_teardown(test_what_could_not_be_tried_stands_in_the_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_acknowledgement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acknowledged_after_a_crash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_goes_to_the_sender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_for_another_mailbox, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_confirmation_that_is_faster_than_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_for_an_extended_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forged_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_of_what_we_did_not_send, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_notification_becomes_a_report, set_up, tear_down),
    };

    g_mime_init();
    if (!dm_xml_start(NULL))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dm_xml_stop();
    return failed;
}
