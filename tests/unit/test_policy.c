#include "common/demail.h"
#include "common/policy.h"
#include "common/stamp.h"
#include "tests/unit/support.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#define X64        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256       X64 X64 X64 X64
#define X1024      X256 X256 X256 X256
#define GATEWAY_ID "00112233445566778899aabbccddeeff"
#define NOW        1793000000 /* 2026-10-26 */
#define ERIKA      "erika@muster.de-mail.de"
#define MAXI       "max@gemeinde.example"
#define KARL       "karl@gemeinde.example"

/* One message and its verdict. Recipients are separated by blanks, header fields by "|"; fields that are not given:
 * From is the sender, To the recipients. `want` is "ordinary", "again", "demail OPTIONS" or "RULE STATUS". */
typedef struct {
    const char *name;
    const char *client;
    const char *login;
    const char *sender;
    const char *recipients;
    const char *headers;
    const char *want;
    const char *extra; /* for [gateway] */
} Case;

static const Case cases[] = {
    {"ordinary mail", "127.0.0.1", NULL, MAXI, "a@b.example", "", "ordinary", ""},
    {"ordinary mail from outside", "203.0.113.9", NULL, "x@y.example", MAXI, "", "ordinary", ""},
    {"a De-Mail", "127.0.0.1", NULL, MAXI, ERIKA, "", "demail none", ""},
    {"brackets as smtpd gives them", "127.0.0.1", NULL, "<" MAXI ">", "<" ERIKA ">", "", "demail none", ""},
    {"upper case and a trailing dot", "127.0.0.1", NULL, MAXI, "<Erika@MUSTER.De-Mail.DE.>", "", "demail none", ""},
    {"a domain that the table excludes", "127.0.0.1", NULL, MAXI, "x@frei.de-mail.de", "", "ordinary", ""},
    {"look-alike domain", "127.0.0.1", NULL, MAXI, "x@notde-mail.de", "", "ordinary", ""},
    {"VERP", "127.0.0.1", NULL, MAXI, "bounce-erika=muster.de-mail.de@lists.example", "", "ordinary", ""},
    {"SRS", "127.0.0.1", NULL, MAXI, "SRS0=ab=cd=muster.de-mail.de=erika@relay.example", "", "ordinary", ""},
    {"null sender to e-mail", "127.0.0.1", NULL, "<>", MAXI, "From: MAILER-DAEMON@mx.example", "ordinary", ""},

    {"from outside", "203.0.113.9", NULL, MAXI, ERIKA, "", "untrusted 5.7.1", ""},
    {"from outside to our own De-Mail address", "203.0.113.9", NULL, "x@y.example", "max@gemeinde.de-mail.de", "",
     "untrusted 5.7.1", ""},
    {"from outside with a login", "203.0.113.9", MAXI, MAXI, ERIKA, "", "demail none", ""},
    {"client unknown", NULL, NULL, MAXI, ERIKA, "", "untrusted 5.7.1", ""},
    {"client in IPv6 form of IPv4", "::ffff:192.0.2.7", NULL, MAXI, ERIKA, "", "demail none", ""},

    {"quoted local part", "127.0.0.1", NULL, MAXI, "<\"erika\"@muster.de-mail.de>", "", "disguised 5.1.3", ""},
    {"source route", "127.0.0.1", NULL, MAXI, "<@relay.example:erika@muster.de-mail.de>", "", "disguised 5.1.3", ""},
    {"percent routing", "127.0.0.1", NULL, MAXI, "erika%muster.de-mail.de@gemeinde.example", "", "disguised 5.1.3", ""},
    {"bang routing", "127.0.0.1", NULL, MAXI, "muster.de-mail.de!erika@gemeinde.example", "", "disguised 5.1.3", ""},
    {"bang routing without domain", "127.0.0.1", NULL, MAXI, "muster.de-mail.de!erika", "", "disguised 5.1.3", ""},
    {"second at sign", "127.0.0.1", NULL, MAXI, "<\"erika@muster.de-mail.de\"@gemeinde.example>", "", "disguised 5.1.3",
     ""},
    {"comment behind the domain", "127.0.0.1", NULL, MAXI, "<erika@muster.de-mail.de(x)>", "", "disguised 5.1.3", ""},
    {"comment in the domain", "127.0.0.1", NULL, MAXI, "<erika@muster.de(x)-mail.de>", "", "disguised 5.1.3", ""},
    {"comment with an escaped parenthesis", "127.0.0.1", NULL, MAXI, "<erika@muster.de-mail(\\().de>", "",
     "disguised 5.1.3", ""},
    {"parenthesis in a quoted local part", "127.0.0.1", NULL, MAXI, "<\"(\"@muster.de-mail(x).de>", "",
     "disguised 5.1.3", ""},
    {"escaped parenthesis outside of comments", "127.0.0.1", NULL, MAXI, "<\\(@muster.de(x)-mail.de>", "",
     "disguised 5.1.3", ""},
    {"blanks in the domain", "127.0.0.1", NULL, MAXI, "<erika@muster. de-mail .de>", "", "disguised 5.1.3", ""},
    {"soft hyphen", "127.0.0.1", NULL, MAXI, "erika@muster.de\xc2\xad-mail.de", "", "disguised 5.1.3", ""},
    {"full-width letters", "127.0.0.1", NULL, MAXI, "erika@muster.\xef\xbd\x84\xef\xbd\x85-mail.de", "",
     "disguised 5.1.3", ""},
    {"ideographic full stop", "127.0.0.1", NULL, MAXI,
     "erika@muster.de-mail\xe3\x80\x82"
     "de",
     "", "disguised 5.1.3", ""},
    {"a character that only newer mappings ignore", "127.0.0.1", NULL, MAXI,
     "erika@muster.de-m\xe2\x81\xa4"
     "ail.de",
     "", "disguised 5.1.3", ""},
    {"a variation selector", "127.0.0.1", NULL, MAXI, "erika@muster.de-mail\xf3\xa0\x84\x80.de", "", "disguised 5.1.3",
     ""},
    {"bytes that are not UTF-8", "127.0.0.1", NULL, MAXI, "erika@muster.de-\xffmail.de", "", "disguised 5.1.3", ""},
    {"an international label below De-Mail", "127.0.0.1", NULL, MAXI, "erika@m\xc3\xbcller.de-mail.de", "",
     "disguised 5.1.3", ""},
    {"an international domain", "127.0.0.1", NULL, MAXI, "a@m\xc3\xbcller.example", "", "ordinary", ""},
    {"percent and bang with other domains", "127.0.0.1", NULL, MAXI, "a%b.example@c.example", "", "ordinary", ""},
    {"divert domain by hand", "127.0.0.1", NULL, MAXI, "erika@muster.de-mail.de.demail.invalid", "",
     "divert-domain 5.1.2", ""},
    {"divert domain itself", "127.0.0.1", NULL, MAXI, "x@demail.invalid", "", "divert-domain 5.1.2", ""},
    {"divert domain in disguise", "127.0.0.1", NULL, MAXI, "\"x\"@a.demail.invalid", "", "disguised 5.1.3", ""},

    {"two From addresses", "127.0.0.1", NULL, MAXI, ERIKA, "From: " MAXI ", " KARL, "from-count 5.7.1", ""},
    {"two From fields", "127.0.0.1", NULL, MAXI, ERIKA, "From: " MAXI "|From: " KARL, "from-count 5.7.1", ""},
    {"From is not the envelope sender", "127.0.0.1", NULL, KARL, ERIKA, "From: " MAXI, "from-not-envelope 5.7.1", ""},
    {"null sender to De-Mail", "127.0.0.1", NULL, "", ERIKA, "From: " MAXI, "from-not-envelope 5.7.1", ""},
    {"login of another domain", "127.0.0.1", "max@kreis.example", MAXI, ERIKA, "", "from-not-login 5.7.1", ""},
    {"login of somebody else", "127.0.0.1", "karl", MAXI, ERIKA, "", "from-not-login 5.7.1", ""},
    {"login without domain, several tenants", "127.0.0.1", "max", MAXI, ERIKA, "", "from-not-login 5.7.1", ""},
    {"login is the address in another case", "127.0.0.1", "Max@Gemeinde.Example", MAXI, ERIKA, "", "demail none", ""},
    {"function mailbox by a named login", "127.0.0.1", "erika", "erika@gemeinde.example", ERIKA,
     "From: buergeramt@gemeinde.example", "demail none", ""},
    {"function mailbox by another login", "127.0.0.1", "karl", "buergeramt@gemeinde.example", ERIKA, "",
     "from-not-login 5.7.1", ""},
    {"From is a De-Mail address of ours", "127.0.0.1", MAXI, MAXI, ERIKA, "From: max@gemeinde.de-mail.de",
     "demail none", ""},
    {"From of no tenant", "127.0.0.1", NULL, "x@y.example", ERIKA, "", "no-tenant 5.7.1", ""},
    {"display name and comments in From", "127.0.0.1", NULL, MAXI, ERIKA, "From: \"Max M.\" <" MAXI "> (Amt)",
     "demail none", ""},

    {"sender not permitted", "127.0.0.1", NULL, "azubi@gemeinde.example", ERIKA, "", "not-listed 5.7.1", ""},
    {"sender by domain not listed", "127.0.0.1", NULL, "x@werke.example", ERIKA, "", "not-listed 5.7.1", ""},
    {"sender with extension", "127.0.0.1", NULL, "max+akte@gemeinde.example", ERIKA, "Subject: [AS] x",
     "demail authoritative", ""},
    {"permission that can't be read", "127.0.0.1", NULL, "kaputt@gemeinde.example", ERIKA, "", "table 4.3.5", ""},
    {"tenant only receives", "127.0.0.1", NULL, "a@amt.example", ERIKA, "", "direction 5.7.1", ""},
    {"provider has ended", "192.0.2.10", NULL, "a@kreis.example", ERIKA, "", "provider-ended 5.3.2", ""},

    {"mixed envelope", "127.0.0.1", NULL, MAXI, ERIKA " a@b.example", "", "mixed-envelope 5.7.1", ""},
    {"mixed with a colleague", "127.0.0.1", NULL, MAXI, ERIKA " " KARL, "", "mixed-envelope 5.7.1", ""},
    {"mixed with an own De-Mail address", "127.0.0.1", NULL, MAXI, ERIKA " karl@gemeinde.de-mail.de", "",
     "mixed-envelope 5.7.1", ""},
    {"mixed in Cc only", "127.0.0.1", NULL, MAXI, ERIKA, "To: " ERIKA "|Cc: a@b.example", "mixed-header 5.7.1", ""},
    {"mixed in a group", "127.0.0.1", NULL, MAXI, ERIKA, "To: Amt: a@b.example, " ERIKA ";", "mixed-header 5.7.1", ""},
    {"empty group", "127.0.0.1", NULL, MAXI, ERIKA, "To: undisclosed-recipients:;", "demail none", ""},
    {"mixed in Cc, scope envelope", "127.0.0.1", NULL, MAXI, ERIKA, "Cc: a@b.example", "demail none",
     "mixed_addressing_scope = envelope"},
    {"internal: a colleague", "127.0.0.1", NULL, MAXI, ERIKA " " KARL, "", "demail none",
     "mixed_addressing = internal"},
    {"internal: a stranger", "127.0.0.1", NULL, MAXI, ERIKA " a@b.example", "", "mixed-envelope 5.7.1",
     "mixed_addressing = internal"},
    {"allow: a stranger", "127.0.0.1", NULL, MAXI, ERIKA " a@b.example", "", "demail none", "mixed_addressing = allow"},
    {"the e-mail half of a split message", "127.0.0.1", NULL, MAXI, "a@b.example", "To: a@b.example, " ERIKA,
     "ordinary", ""},
    {"only own De-Mail addresses", "127.0.0.1", NULL, "azubi@gemeinde.example", "karl@gemeinde.de-mail.de", "",
     "ordinary", ""},
    {"De-Mail of another tenant", "127.0.0.1", NULL, MAXI, "a@kreis.de-mail.de", "", "demail none", ""},

    {"subject tag", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [P, EB] Bescheid", "demail private,receipt", ""},
    {"subject tag in words and any case", "127.0.0.1", NULL, MAXI, ERIKA,
     "Subject: =?utf-8?Q?[PERS=C3=96NLICH,Versandbest=C3=A4tigung]_x?=", "demail private,dispatch", ""},
    {"retrieve implies private", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [AH] x", "demail private,retrieve", ""},
    {"unknown token beside a known one", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [P, XX] x", "unknown-token 5.7.1",
     ""},
    {"brackets without a token", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [Projekt] x", "demail none", ""},
    {"tag not at the start", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: Re: [P] x", "demail none", ""},
    {"option field", "127.0.0.1", NULL, MAXI, ERIKA, "x-DE-mail-private: yes|X-de-mail-private: no", "demail private",
     ""},
    {"option field with another value", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private: Yes", "option-value 5.7.1",
     ""},
    {"option not allowed", "127.0.0.1", NULL, KARL, ERIKA, "Subject: [AS] x", "option-not-allowed 5.7.1", ""},
    {"no option allowed", "127.0.0.1", NULL, "leser@gemeinde.example", ERIKA, "Subject: [P] x",
     "option-not-allowed 5.7.1", ""},
    {"authoritative with a pseudonym", "127.0.0.1", NULL, "kasse@gemeinde.example", ERIKA, "Subject: [AS] x",
     "pseudonym 5.7.1", ""},
    {"field says no, tag says yes", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private: no|Subject: [P] x",
     "option-conflict 5.7.1", ""},
    {"retrieve without private", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private: no|Subject: [AH] x",
     "option-conflict 5.7.1", ""},
    {"field and tag agree", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private: yes|Subject: [P] x", "demail private",
     ""},
    {"tokens of our own", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [Einwurf, PERS] x", "demail private,dispatch",
     "token_private = P;Pers\ntoken_dispatch = Einwurf"},
    {"a token that was replaced", "127.0.0.1", NULL, MAXI, ERIKA, "Subject: [P, VB] x", "unknown-token 5.7.1",
     "token_dispatch = Einwurf"},
    {"private id of 1025 characters", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private-id: " X1024 "x",
     "private-id 5.6.0", ""},
    {"private id of 1024 characters", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private-id: " X1024, "demail none",
     ""},
    {"private id that is not ASCII", "127.0.0.1", NULL, MAXI, ERIKA, "X-de-mail-private-id: M\xc3\xbcller",
     "private-id 5.6.0", ""},
    {"tag on ordinary mail", "127.0.0.1", NULL, MAXI, "a@b.example", "Subject: [P] x", "ordinary", ""},
    {"tag on ordinary mail, reject", "127.0.0.1", NULL, MAXI, "a@b.example", "Subject: [P] x", "without-demail 5.7.1",
     "options_without_demail = reject"},
    {"tag on ordinary mail from outside", "203.0.113.9", NULL, "x@y.example", MAXI, "Subject: [P] x", "ordinary",
     "options_without_demail = reject"},
    {"German text", "203.0.113.9", NULL, MAXI, ERIKA, "", "untrusted 5.7.1", "language = de"},
};

typedef struct {
    GPtrArray *strings;
    GArray *recipients;
    DmHeaders *headers;
    DmRequest request;
} Message;

static void add_headers(DmHeaders *headers, const Case *c)
{
    g_auto(GStrv) fields = g_strsplit(c->headers, "|", -1);

    for (char **field = fields; *field != NULL; field++) {
        char *colon = strchr(*field, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        assert_true(dm_headers_append(headers, *field, colon + 1, NULL));
    }
    if (dm_headers_count(headers, "From") == 0)
        dm_headers_prepend(headers, "From", c->sender);
    if (dm_headers_count(headers, "To") == 0) {
        g_auto(GStrv) recipients = g_strsplit(c->recipients, c->recipients[0] == '<' ? "\x01" : " ", -1);
        g_autofree char *list = g_strjoinv(", ", recipients);
        /* What no address list can hold stands in the envelope only, as a Bcc would. */
        if (strpbrk(list, "!%:\"(") == NULL && g_str_is_ascii(list))
            dm_headers_prepend(headers, "To", list);
    }
}

static void make_message(const Case *c, Message *message)
{
    /* A recipient in brackets may hold blanks: it stands alone. */
    g_auto(GStrv) recipients = g_strsplit(c->recipients, c->recipients[0] == '<' ? "\x01" : " ", -1);

    message->strings = g_ptr_array_new_with_free_func(g_free);
    message->recipients = g_array_new(FALSE, FALSE, sizeof(DmRequestRecipient));
    message->headers = dm_headers_new();
    for (char **one = recipients; *one != NULL; one++) {
        DmRequestRecipient recipient = {.address = g_strdup(*one)};
        g_ptr_array_add(message->strings, (gpointer)recipient.address);
        g_array_append_val(message->recipients, recipient);
    }
    add_headers(message->headers, c);
    message->request = (DmRequest){
        .client_address = c->client,
        .login = c->login,
        .sender = c->sender,
        .recipients = (const DmRequestRecipient *)(const void *)message->recipients->data,
        .n_recipients = message->recipients->len,
        .headers = message->headers,
        .gateway_id = GATEWAY_ID,
        .now = NOW,
        .trace = TRUE,
    };
}

static void clear_message(Message *message)
{
    dm_headers_free(message->headers);
    g_array_unref(message->recipients);
    g_ptr_array_unref(message->strings);
}

static char *describe(const DmVerdict *verdict)
{
    g_autofree char *options = dm_options_format(verdict->options);

    switch (verdict->kind) {
    case DM_VERDICT_ORDINARY:
        return g_strdup("ordinary");
    case DM_VERDICT_DEMAIL:
        return g_strdup_printf("demail %s", options);
    case DM_VERDICT_AGAIN:
        return g_strdup("again");
    case DM_VERDICT_REFUSE:
        return g_strdup_printf("%s %s", dm_refusal_rule(verdict->refusal), dm_refusal_status(verdict->refusal));
    }
    return NULL;
}

static void test_cases(void **state)
{
    const char *folder = *state;
    guint failures = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmGateway) gateway = ts_gateway(folder, cases[i].extra);
        Message message;
        DmVerdict verdict;
        make_message(&cases[i], &message);
        dm_policy_decide(gateway, &message.request, &verdict);
        g_autofree char *got = describe(&verdict);
        if (strcmp(got, cases[i].want) != 0) {
            print_error("%s: want \"%s\", got \"%s\": %s\n", cases[i].name, cases[i].want, got,
                        verdict.text != NULL ? verdict.text : "");
            failures++;
        }
        dm_verdict_clear(&verdict);
        clear_message(&message);
    }
    print_message("%zu messages judged\n", G_N_ELEMENTS(cases));
    assert_int_equal(failures, 0);
}

static guint tables_read;

DmTableReader *__real_dm_table_read(DmTable *table, GError **error);
DmTableReader *__wrap_dm_table_read(DmTable *table, GError **error);
DmTableReader *__wrap_dm_table_read(DmTable *table, GError **error)
{
    tables_read++;
    return __real_dm_table_read(table, error);
}

/* However many recipients, a message is judged by one state of each table. */
static void test_tables_are_read_once(void **state)
{
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");
    guint reads[2];

    for (guint i = 0; i < G_N_ELEMENTS(reads); i++) {
        const char *recipients = i == 0 ? ERIKA : ERIKA " a@muster.de-mail.de b@muster.de-mail.de";
        const Case c = {"", "127.0.0.1", NULL, MAXI, recipients, "", "", ""};
        Message message;
        DmVerdict verdict;
        make_message(&c, &message);
        tables_read = 0;
        dm_policy_decide(gateway, &message.request, &verdict);
        reads[i] = tables_read;
        assert_int_equal(verdict.kind, DM_VERDICT_DEMAIL);
        dm_verdict_clear(&verdict);
        clear_message(&message);
    }
    assert_int_equal(reads[0], reads[1]);
}

/* The edits as one text: "-name/n", "=name/n: value", "+name: value". */
static char *edits_text(const DmVerdict *verdict)
{
    static const char signs[] = {[DM_EDIT_DELETE] = '-', [DM_EDIT_CHANGE] = '=', [DM_EDIT_INSERT] = '+'};
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < verdict->edits->len; i++) {
        const DmEdit *edit = &g_array_index(verdict->edits, DmEdit, i);
        g_string_append_printf(text, "%c%s", signs[edit->kind], edit->name);
        if (edit->kind != DM_EDIT_INSERT)
            g_string_append_printf(text, "/%u", edit->n);
        if (edit->value != NULL)
            g_string_append_printf(text, ": %s", edit->value);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void check_edits(const char *folder, const Case *c, const char *want)
{
    g_autoptr(DmGateway) gateway = ts_gateway(folder, c->extra);
    Message message;
    DmVerdict verdict;

    make_message(c, &message);
    dm_policy_decide(gateway, &message.request, &verdict);
    g_autofree char *got = edits_text(&verdict);
    assert_string_equal(got, want);
    dm_verdict_clear(&verdict);
    clear_message(&message);
}

static void test_verdict_in_message(void **state)
{
    const Case c = {"",
                    "127.0.0.1",
                    NULL,
                    MAXI,
                    ERIKA " bcc@muster.de-mail.de cc@muster.de-mail.de",
                    "X-De-Mail-Sender: forged@x|To: Erika <Erika@Muster.De-Mail.De>|Cc: cc@muster.de-mail.de|"
                    "x-de-mail-sender: forged@y|Subject: [P] =?utf-8?Q?f=C3=BCr?= Sie|X-Demail-Stamp: v=1|"
                    "X-de-mail-private-id: AZ 4711|Message-ID: <1@x>",
                    "",
                    ""};

    check_edits(*state, &c,
                "-X-de-mail-private-id/1\n"
                "-X-Demail-Stamp/1\n"
                "-x-de-mail-sender/2\n"
                "-X-De-Mail-Sender/1\n"
                "=Subject/1: =?UTF-8?B?ZsO8cg==?= Sie\n"
                "+X-de-mail-private-id: AZ 4711\n"
                "+X-de-mail-chosen-recipient: to=erika@muster.de-mail.de;\n cc=cc@muster.de-mail.de\n"
                "+X-de-mail-sender: max@gemeinde.de-mail.de\n"
                "+X-de-mail-private: yes\n"
                "+X-de-mail-authoritative: no\n"
                "+X-de-mail-confirmation-of-dispatch: no\n"
                "+X-de-mail-confirmation-of-receipt: no\n"
                "+X-de-mail-confirmation-of-retrieve: no\n");
}

static void test_gateway_id_and_message_id(void **state)
{
    const Case c = {"", "127.0.0.1", NULL, "buergermeisterin@gemeinde.example", ERIKA, "To: x@muster.de-mail.de",
                    "", ""};

    check_edits(*state, &c,
                "+Message-ID: <" GATEWAY_ID "@gemeinde.example>\n"
                "+X-de-mail-private-id: " GATEWAY_ID "\n"
                "+X-de-mail-sender: oberbuergermeisterin@gemeinde.de-mail.de\n"
                "+X-de-mail-private: no\n"
                "+X-de-mail-authoritative: no\n"
                "+X-de-mail-confirmation-of-dispatch: no\n"
                "+X-de-mail-confirmation-of-receipt: no\n"
                "+X-de-mail-confirmation-of-retrieve: no\n");
}

static void test_ordinary_is_cleaned(void **state)
{
    const Case forged = {"",
                         "203.0.113.9",
                         NULL,
                         "x@y.example",
                         MAXI,
                         "X-de-mail-private: yes|Subject: =?utf-8?Q?[De-Mail]_?= [De-Mail] Mahnung|X-DEMAIL-Status: v|"
                         "x-de-mail-private: no",
                         "",
                         ""};
    const Case untouched = {"", "203.0.113.9", NULL, "x@y.example", MAXI, "Subject: Re: [De-Mail] x|X-de-mailer: y", "",
                            ""};

    check_edits(*state, &forged,
                "-x-de-mail-private/2\n-X-DEMAIL-Status/1\n-X-de-mail-private/1\n=Subject/1: Mahnung\n");
    check_edits(*state, &untouched, "");
}

static void test_routes(void **state)
{
    const Case c = {"",
                    "127.0.0.1",
                    NULL,
                    MAXI,
                    ERIKA " karl@gemeinde.de-mail.de karl@gemeinde.example",
                    "",
                    "",
                    "mixed_addressing = internal"};
    g_autoptr(DmGateway) gateway = ts_gateway(*state, c.extra);
    Message message;
    DmVerdict verdict;

    make_message(&c, &message);
    DmRequestRecipient *first = &g_array_index(message.recipients, DmRequestRecipient, 0);
    first->notify = "SUCCESS,FAILURE";
    dm_policy_decide(gateway, &message.request, &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_DEMAIL);
    assert_int_equal(verdict.n_routes, 3);
    assert_int_equal(verdict.routes[0].kind, DM_ROUTE_DIVERT);
    assert_string_equal(verdict.routes[0].address, ERIKA ".demail.invalid");
    assert_string_equal(verdict.routes[0].parameters, "ORCPT=rfc822;" ERIKA " NOTIFY=SUCCESS,FAILURE");
    assert_int_equal(verdict.routes[1].kind, DM_ROUTE_LOCAL);
    assert_string_equal(verdict.routes[1].address, KARL);
    assert_int_equal(verdict.routes[2].kind, DM_ROUTE_KEEP);
    assert_string_equal(verdict.unit, "Amt 32");
    dm_verdict_clear(&verdict);
    clear_message(&message);
}

static void check_refused(const DmGateway *gateway, const Message *message, DmRefusal refusal)
{
    DmVerdict verdict;

    dm_policy_decide(gateway, &message->request, &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_REFUSE);
    assert_int_equal(verdict.refusal, refusal);
    dm_verdict_clear(&verdict);
}

/* A message that the milter stamped comes by again, from a content filter: untouched with its stamp. Refused with the
 * stamp of another sender, and from users, who may have seen a stamp. */
static void test_again(void **state)
{
    const Case c = {"", "127.0.0.1", NULL, MAXI, ERIKA ".demail.invalid", "To: " ERIKA "|From: " MAXI, "", ""};
    g_autoptr(DmGateway) gateway = ts_gateway(*state, "");
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    Message message;
    DmVerdict verdict;

    make_message(&c, &message);
    g_ptr_array_add(recipients, (gpointer)ERIKA);
    g_autofree char *stamp = dm_stamp_make(gateway->stamp_key, GATEWAY_ID, "4Q", "gemeinde", NULL, 0, recipients, MAXI,
                                           message.headers, NULL);
    dm_headers_prepend(message.headers, DM_FIELD_STAMP, stamp);
    dm_policy_decide(gateway, &message.request, &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_AGAIN);
    assert_int_equal(verdict.edits->len, 0);
    dm_verdict_clear(&verdict);

    message.request.sender = KARL;
    check_refused(gateway, &message, DM_REFUSAL_DIVERT_DOMAIN);
    message.request.sender = MAXI;
    message.request.login = MAXI;
    check_refused(gateway, &message, DM_REFUSAL_DIVERT_DOMAIN);
    message.request.login = NULL;
    message.request.client_address = "203.0.113.9";
    check_refused(gateway, &message, DM_REFUSAL_UNTRUSTED);
    clear_message(&message);
}

static void test_lost_table(void **state)
{
    const char *folder = *state;
    const Case demail = {"", "127.0.0.1", NULL, MAXI, ERIKA, "", "", ""};
    const Case ordinary = {"", "127.0.0.1", NULL, MAXI, "a@b.example", "", "", ""};
    g_autoptr(DmGateway) gateway = ts_gateway(folder, "");
    g_autofree char *senders = g_build_filename(folder, "senders", NULL);
    g_autofree char *domains = g_build_filename(folder, "demail_domains", NULL);
    Message message;
    DmVerdict verdict;

    assert_int_equal(remove(senders), 0);
    assert_int_equal(remove(domains), 0);
    make_message(&demail, &message);
    dm_policy_decide(gateway, &message.request, &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_REFUSE);
    assert_int_equal(verdict.refusal, DM_REFUSAL_TABLE);
    assert_int_equal(dm_refusal_smtp_code(verdict.refusal), 451);
    dm_verdict_clear(&verdict);
    clear_message(&message);

    make_message(&ordinary, &message);
    dm_policy_decide(gateway, &message.request, &verdict);
    assert_int_equal(verdict.kind, DM_VERDICT_ORDINARY);
    dm_verdict_clear(&verdict);
    clear_message(&message);
}

/* Every text is one line of printable ASCII that fits an SMTP reply, in both languages, with its words in it. */
static void test_texts(void **state)
{
    (void)state;
    for (int i = 0; i < (int)DM_REFUSAL_COUNT; i++) {
        for (int language = DM_LANGUAGE_EN; language <= (int)DM_LANGUAGE_DE; language++) {
            g_autofree char *text = dm_refusal_text((DmRefusal)i, (DmLanguage)language, "first@x", "second\n\xc3@y");
            assert_true(strlen(text) < 400 && strlen(text) > 20);
            for (const char *c = text; *c != '\0'; c++)
                assert_true(g_ascii_isprint(*c) && *c != '$');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables_are_read_once, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_cases, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_verdict_in_message, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_gateway_id_and_message_id, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_ordinary_is_cleaned, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_routes, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_again, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_lost_table, ts_set_up, ts_tear_down),
        cmocka_unit_test(test_texts),
    };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
