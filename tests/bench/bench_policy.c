/*
 * How fast the policy decides.
 *
 * usage: bench_policy CONFIG KIND RECIPIENTS COUNT   COUNT decisions about a message of that kind
 * KIND: ordinary, from outside to own mailboxes; demail, to other domains; refused, by a sender who may not. All
 * recipients stand in To.
 * Prints: seconds.
 * Exit: 0, 64 usage, 70 if something did not work or a verdict was wrong.
 */
#include "common/policy.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define RECIPIENTS_MAX 100000U
#define COUNT_MAX      100000000U
#define GATEWAY_ID     "00112233445566778899aabbccddeeff"
#define NOW            1793000000 /* 2026-10-26 */

typedef struct {
    const char *name;
    const char *client;
    const char *login;
    const char *sender;
    const char *domain; /* of the recipients */
    const char *subject;
    DmVerdictKind verdict;
} Kind;

static const Kind kinds[] = {
    {"ordinary", "203.0.113.9", NULL, "<someone@elsewhere.example>", "gemeinde.example", "Eingang der Unterlagen",
     DM_VERDICT_ORDINARY},
    {"demail", "127.0.0.1", "chefin@gemeinde.example", "<chefin@gemeinde.example>", "muster.de-mail.de",
     "=?utf-8?q?Pr=C3=BCfung?= der Unterlagen", DM_VERDICT_DEMAIL},
    {"refused", "127.0.0.1", "gesperrt@gemeinde.example", "<gesperrt@gemeinde.example>", "muster.de-mail.de",
     "=?utf-8?q?Pr=C3=BCfung?= der Unterlagen", DM_VERDICT_REFUSE},
};

typedef struct {
    char **addresses;
    DmRequestRecipient *recipients;
    DmHeaders *headers;
    DmRequest request;
} Message;

static void add_field(Message *message, const char *name, const char *text)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);

    dm_headers_append(message->headers, name, value, NULL);
}

static void make_message(const Kind *kind, guint n, Message *message)
{
    message->addresses = g_new0(char *, n + 1);
    message->recipients = g_new0(DmRequestRecipient, n);
    message->headers = dm_headers_new();
    for (guint i = 0; i < n; i++) {
        message->addresses[i] = g_strdup_printf("<buero%04u@%s>", i, kind->domain);
        message->recipients[i] = (DmRequestRecipient){.address = message->addresses[i]};
    }
    g_autofree char *to = g_strjoinv(",\n ", message->addresses);
    add_field(message, "From", kind->sender);
    add_field(message, "To", to);
    add_field(message, "Subject", kind->subject);
    add_field(message, "Message-ID", "<20261026.1@gemeinde.example>");
    message->request = (DmRequest){
        .client_address = kind->client,
        .login = kind->login,
        .sender = kind->sender,
        .recipients = message->recipients,
        .n_recipients = n,
        .headers = message->headers,
        .gateway_id = GATEWAY_ID,
        .now = NOW,
    };
}

static void clear_message(Message *message)
{
    g_strfreev(message->addresses);
    g_free(message->recipients);
    dm_headers_free(message->headers);
}

static gboolean decide_often(const DmGateway *gateway, const Kind *kind, const DmRequest *request, guint count)
{
    gint64 start = g_get_monotonic_time();
    gboolean right = TRUE;

    for (guint i = 0; i < count; i++) {
        DmVerdict verdict;
        dm_policy_decide(gateway, request, &verdict);
        right = right && verdict.kind == kind->verdict;
        dm_verdict_clear(&verdict);
    }
    printf("%.6f\n", (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
    return right;
}

static gboolean measure(const char *config, const Kind *kind, guint recipients, guint count)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmGateway) gateway = dm_gateway_open(config, DM_GATEWAY_POLICY | DM_GATEWAY_STAMP, problems, NULL);
    Message message;

    for (guint i = 0; i < problems->len; i++)
        fprintf(stderr, "bench_policy: %s\n", (const char *)g_ptr_array_index(problems, i));
    if (gateway == NULL)
        return FALSE;
    make_message(kind, recipients, &message);
    gboolean right = decide_often(gateway, kind, &message.request, count);
    clear_message(&message);
    return right;
}

static gboolean number(const char *text, guint max, guint *value)
{
    guint64 read = 0;
    gboolean good = g_ascii_string_to_unsigned(text, 10, 1, max, &read, NULL);

    *value = (guint)read;
    return good;
}

int main(int argc, char *argv[])
{
    guint recipients = 0;
    guint count = 0;

    if (argc != 5 || !number(argv[3], RECIPIENTS_MAX, &recipients) || !number(argv[4], COUNT_MAX, &count))
        return EX_USAGE;
    g_mime_init();
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(argv[2], kinds[i].name) == 0)
            return measure(argv[1], &kinds[i], recipients, count) ? 0 : EX_SOFTWARE;
    }
    return EX_USAGE;
}
