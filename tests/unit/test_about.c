/*
 * What a confirmation or notification is about, and what of it becomes evidence in the journal.
 */
#include "poller/about.h"

#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <string.h>

#define ERIKA "erika@muster.de-mail.de"
#define OTTO  "otto@normal.de-mail.de"
#define GID   "00112233445566778899aabbccddeeff"
#define GID2  "10112233445566778899aabbccddeeff"
#define MID   "<1@gemeinde.example>"
#define MID2  "<2@gemeinde.example>"

typedef struct {
    char *folder;
    DmJournal *journal;
    DmJudgement judgement;
} Fixture;

/* A De-Mail to Erika and, unless `otto` is 0, to Otto. */
static void put(const Fixture *f, const char *gateway_id, const char *private_id, const char *message_id,
                DmSentState otto)
{
    char *recipients[] = {(char *)ERIKA, (char *)OTTO};
    const DmSent sent[] = {{DM_SENT_ACCEPTED, 5, NULL, NULL, (char *)"p-1", NULL, NULL},
                           {otto, 5, NULL, NULL, NULL, NULL, NULL}};
    const DmSentMessage message = {(char *)gateway_id,
                                   5,
                                   (char *)"gemeinde",
                                   (char *)"4Q",
                                   (char *)"max@gemeinde.example",
                                   (char *)"max@gemeinde.de-mail.de",
                                   (char *)message_id,
                                   (char *)private_id,
                                   0,
                                   NULL};

    assert_true(dm_journal_put_sent(f->journal, gateway_id, &message, recipients, sent, otto ? 2 : 1, NULL));
}

static int set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->folder = ts_make_folder();
    f->journal = dm_journal_open(f->folder, DM_JOURNAL_OWN, NULL);
    f->judgement = (DmJudgement){DM_VERIFIED_PASS, TRUE, dm_findings_new()};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;

    dm_judgement_clear(&f->judgement);
    dm_journal_close(f->journal);
    ts_remove_folder(f->folder);
    g_free(f->folder);
    g_free(f);
    return 0;
}

static void set(char **member, const char *text)
{
    g_free(*member);
    *member = g_strdup(text);
}

/* The statement that comes in; `recipient` may be NULL. */
static DmStatement *say(Fixture *f, DmMessageClass message_class, const char *type, const char *recipient)
{
    DmFindings *findings = f->judgement.findings;

    set(&findings->message_type, type);
    findings->message_class = message_class;
    g_clear_pointer(&findings->statement, dm_statement_free);
    findings->statement = dm_statement_new();
    findings->statement->time = 7;
    if (recipient)
        g_ptr_array_add(findings->statement->recipients, g_strdup(recipient));
    return findings->statement;
}

static DmStatement *confirm(Fixture *f, const char *what, const char *recipient)
{
    g_autofree char *type = g_strconcat("confirmation of ", what, NULL);
    DmStatement *statement = say(f, DM_CLASS_CONFIRMATION, type, recipient);

    set(&statement->private_id, GID);
    set(&statement->original_rfc_id, MID);
    return statement;
}

static DmStatement *notify(Fixture *f, const char *type, const char *private_id, const char *text)
{
    DmStatement *statement = say(f, DM_CLASS_NOTIFICATION, "notification", NULL);

    set(&statement->notification_type, type);
    set(&statement->private_id, private_id);
    set(&statement->text, text);
    return statement;
}

/* Takes in what was said; whether it is about a De-Mail of `tenant`. */
static gboolean take_in(const Fixture *f, const char *tenant, const char *id, gboolean *failure)
{
    DmAbout about;
    gboolean found;

    assert_true(dm_about_find(f->journal, tenant, &f->judgement, &about, NULL));
    found = about.message != NULL;
    if (failure)
        *failure = dm_about_is_failure(&about);
    assert_true(dm_about_record(f->journal, &about, f->judgement.findings->statement, id, NULL));
    dm_about_clear(&about);
    return found;
}

static gboolean take(const Fixture *f)
{
    return take_in(f, "gemeinde", "c-1", NULL);
}

static void assert_state(const Fixture *f, const char *gateway_id, const char *recipient, const char *expected)
{
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(f->journal, gateway_id, NULL);

    for (guint i = 0; i < recipients->len; i++) {
        const DmSentRecipient *r = g_ptr_array_index(recipients, i);

        if (strcmp(r->address, recipient) != 0)
            continue;
        assert_string_equal(dm_sent_recipient_state(r), expected);
        return;
    }
    fail_msg("%s is not in the journal", recipient);
}

static void test_receipt(void **state)
{
    Fixture *f = *state;
    DmAbout about;

    put(f, GID, GID, MID, DM_SENT_ACCEPTED);
    confirm(f, "receipt", "Erika@muster.de-mail.de");
    assert_true(dm_about_find(f->journal, "gemeinde", &f->judgement, &about, NULL));
    assert_string_equal(about.message->email, "max@gemeinde.example");
    assert_string_equal(about.thread, MID);
    assert_int_equal(about.recipients->len, 1);
    assert_false(dm_about_is_failure(&about));
    dm_about_clear(&about);
    assert_true(take(f));
    assert_state(f, GID, ERIKA, "received");
    assert_state(f, GID, OTTO, "accepted");
}

static void test_forged_receipt_is_no_evidence(void **state)
{
    Fixture *f = *state;

    put(f, GID, GID, MID, DM_SENT_ACCEPTED);
    confirm(f, "receipt", ERIKA);
    f->judgement.verified = DM_VERIFIED_FAIL;
    assert_false(take(f));
    f->judgement.verified = DM_VERIFIED_NONE;
    assert_false(take(f));
    f->judgement.verified = DM_VERIFIED_PASS;
    f->judgement.seal_judged = FALSE;
    dm_findings_fail(f->judgement.findings, "certificate.untrusted");
    assert_false(take(f));
    assert_state(f, GID, ERIKA, "accepted");
}

static void test_receipt_of_another(void **state)
{
    Fixture *f = *state;
    DmStatement *statement;

    put(f, GID, GID, MID, DM_SENT_ACCEPTED);
    confirm(f, "receipt", ERIKA);
    assert_false(take_in(f, "kreis", "c-1", NULL));
    statement = confirm(f, "receipt", ERIKA);
    set(&statement->original_rfc_id, "<other@gemeinde.example>");
    assert_false(take(f));
    statement = confirm(f, "receipt", ERIKA);
    set(&statement->private_id, "other");
    assert_false(take(f));
    set(&statement->private_id, "");
    assert_false(take(f));
    confirm(f, "receipt", "somebody@muster.de-mail.de");
    assert_true(take(f));
    assert_state(f, GID, ERIKA, "accepted");
}

static void test_thread_of_a_message_that_is_not_ours(void **state)
{
    Fixture *f = *state;
    DmStatement *statement = confirm(f, "receipt", ERIKA);
    DmAbout about;

    set(&statement->original_rfc_id, "<7@muster.de-mail.de>");
    assert_true(dm_about_find(f->journal, "gemeinde", &f->judgement, &about, NULL));
    assert_null(about.message);
    assert_string_equal(about.thread, "<7@muster.de-mail.de>");
    dm_about_clear(&about);
    set(&statement->original_rfc_id, "<7@x>\r\nBcc: <8@x>");
    assert_true(dm_about_find(f->journal, "gemeinde", &f->judgement, &about, NULL));
    assert_null(about.thread);
    dm_about_clear(&about);
}

static void test_dispatch_counts_for_whom_it_went_to(void **state)
{
    Fixture *f = *state;
    DmStatement *statement;

    put(f, GID, GID, MID, DM_SENT_REFUSED);
    statement = confirm(f, "dispatch", ERIKA);
    g_ptr_array_add(statement->recipients, g_strdup(OTTO));
    assert_true(take(f));
    assert_state(f, GID, ERIKA, "dispatched");
    assert_state(f, GID, OTTO, "refused");
}

static void test_any_order_and_again(void **state)
{
    Fixture *f = *state;
    g_autoptr(GPtrArray) recipients = NULL;
    const DmSentRecipient *erika;

    put(f, GID, GID, MID, DM_SENT_ACCEPTED);
    confirm(f, "retrieve", ERIKA);
    assert_true(take_in(f, "gemeinde", "c-3", NULL));
    confirm(f, "dispatch", ERIKA);
    assert_true(take_in(f, "gemeinde", "c-1", NULL));
    confirm(f, "receipt", ERIKA);
    assert_true(take_in(f, "gemeinde", "c-2", NULL));
    confirm(f, "receipt", ERIKA)->time = 9;
    assert_true(take_in(f, "gemeinde", "c-4", NULL));
    notify(f, "unknown-recipient", GID, ERIKA);
    assert_true(take_in(f, "gemeinde", "c-5", NULL));
    assert_state(f, GID, ERIKA, "retrieved");
    recipients = dm_journal_get_recipients(f->journal, GID, NULL);
    erika = g_ptr_array_index(recipients, 0);
    assert_int_equal(erika->events->len, 4);

    const DmSentEvent *received = g_ptr_array_index(erika->events, 1);

    assert_int_equal(received->kind, DM_EVENT_RECEIVED);
    assert_int_equal(received->time, 7);
    assert_string_equal(received->provider_id, "c-2");
}

static void test_notification_names_the_recipient(void **state)
{
    static const struct {
        const char *text;
        gboolean erika;
    } cases[] = {
        {"Der Empfänger " ERIKA " ist unbekannt.", TRUE},
        {"<Erika@Muster.DE-Mail.de>", TRUE},
        {"Unbekannt: " ERIKA ".", TRUE},
        {"Empfänger '" ERIKA "' unbekannt", TRUE},
        {"Kennen Sie " ERIKA "?", TRUE},
        {"o'" ERIKA, FALSE},
        {"erika@muster.de-mail.de-x.example", FALSE},
        {"frau.erika@muster.de-mail.de", FALSE},
        {"erika@muster.de-mail.de.example", FALSE},
        {"", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Fixture *f = *state;
        g_autofree char *id = g_strdup_printf("%032x", (unsigned)i);
        gboolean failure = FALSE;

        put(f, id, id, "", DM_SENT_ACCEPTED);
        notify(f, "unknown-recipient", id, cases[i].text);
        assert_true(take_in(f, "gemeinde", "c-1", &failure));
        assert_int_equal(failure, cases[i].erika);
        assert_state(f, id, ERIKA, cases[i].erika ? "undeliverable" : "notified");
        assert_state(f, id, OTTO, cases[i].erika ? "accepted" : "notified");
    }
}

static void test_notification_about_the_only_recipient(void **state)
{
    Fixture *f = *state;
    gboolean failure = FALSE;

    put(f, GID, GID, MID, DM_SENT_REFUSED);
    notify(f, "closed-account", GID, "Das Konto ist geschlossen");
    assert_true(take_in(f, "gemeinde", "c-1", &failure));
    assert_true(failure);
    assert_state(f, GID, ERIKA, "undeliverable");
    assert_state(f, GID, OTTO, "refused");
}

static void test_other_notification_is_no_failure(void **state)
{
    Fixture *f = *state;
    gboolean failure = TRUE;

    put(f, GID, GID, MID, 0);
    notify(f, "other", GID, "Das Postfach von " ERIKA " ist fast voll");
    assert_true(take_in(f, "gemeinde", "c-1", &failure));
    assert_false(failure);
    assert_state(f, GID, ERIKA, "notified");
}

static void test_private_id_used_twice(void **state)
{
    Fixture *f = *state;

    put(f, GID, "AZ 1", MID, 0);
    put(f, GID2, "AZ 1", MID2, DM_SENT_ACCEPTED);
    notify(f, "unknown-recipient", "AZ 1", ERIKA " ist unbekannt");
    assert_false(take(f));
    notify(f, "unknown-recipient", "AZ 1", ERIKA " ist unbekannt, Nachricht " MID);
    assert_true(take(f));
    assert_state(f, GID, ERIKA, "undeliverable");
    assert_state(f, GID2, ERIKA, "accepted");
    notify(f, "unknown-recipient", "=?utf-8?q?AZ_1?=", OTTO " ist unbekannt");
    assert_true(take(f));
    assert_state(f, GID2, OTTO, "undeliverable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forged_receipt_is_no_evidence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_of_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_thread_of_a_message_that_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dispatch_counts_for_whom_it_went_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_order_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_notification_names_the_recipient, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_notification_about_the_only_recipient, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_notification_is_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_private_id_used_twice, set_up, tear_down),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
