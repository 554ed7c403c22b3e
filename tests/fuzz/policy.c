/*
 * The policy on an envelope and header from anybody: whatever it is, the verdict is whole, and no edit breaks a line.
 * Input: the sender and the recipients, a line each, an empty line, the header.
 */
#include "common/policy.h"

#include "common/address.h"
#include "common/demail.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>

static DmGateway *gateway;

/* A file that stays. */
static char *keep(const char *text)
{
    return fuzz_path(fuzz_file(text, strlen(text)));
}

static char *make_config(void)
{
    g_autofree char *key = keep("0123456789abcdef0123456789abcdef\n");
    g_autofree char *domains = keep(".de-mail.de x\nfrei.de-mail.de no\n");
    g_autofree char *logins = keep("buergeramt@gemeinde.example max, erika\n");
    g_autofree char *addresses = keep("kasse@gemeinde.example pn_kasse@gemeinde.de-mail.de\n");
    g_autofree char *senders = keep("@gemeinde.example private,receipt,dispatch\nmax@gemeinde.example all unit=Amt 32\n"
                                    "azubi@gemeinde.example no\n");

    return g_strdup_printf("[gateway]\nstamp_key_file=%s\nstate_dir=/nonexistent\ndemail_domains=texthash:%s\n"
                           "sender_logins=texthash:%s\ntrusted_clients=127.0.0.0/8;::1/128\n"
                           "[provider alpha]\ndriver=rest\nurl=https://127.0.0.1:8443\nclient_cert=/nonexistent\n"
                           "client_key=/nonexistent\npassword_file=/nonexistent\n"
                           "[tenant gemeinde]\nprovider=alpha\naccount=poststelle@gemeinde.de-mail.de\n"
                           "email_domains=gemeinde.example\ndemail_domains=gemeinde.de-mail.de\nsenders=texthash:%s\n"
                           "address_map=texthash:%s\ncatch_all=poststelle@gemeinde.example\n"
                           "bounce_address=postmaster@gemeinde.example\nsubject_prefix=[De-Mail]\n",
                           key, domains, logins, senders, addresses);
}

void fuzz_start(void)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = make_config();
    g_autofree char *config = keep(text);

    g_mime_init();
    gateway = dm_gateway_open(config, DM_GATEWAY_POLICY, problems, NULL);
    for (guint i = 0; i < problems->len; i++)
        g_printerr("%s\n", (const char *)g_ptr_array_index(problems, i));
    FUZZ_CHECK(gateway != NULL);
}

/* A line end stands in a value only before a blank: else it would be a field of its own. */
static void check_edit(const DmEdit *edit)
{
    FUZZ_CHECK(edit->kind == DM_EDIT_INSERT || edit->n > 0);
    FUZZ_CHECK((edit->kind == DM_EDIT_DELETE) == (edit->value == NULL));
    for (const char *c = edit->value; c != NULL && *c != '\0'; c++)
        FUZZ_CHECK(*c != '\r' && (*c != '\n' || c[1] == ' ' || c[1] == '\t'));
}

static void check_route(const DmRoute *route)
{
    FUZZ_CHECK((route->kind == DM_ROUTE_KEEP) == (route->address == NULL));
    FUZZ_CHECK(route->kind != DM_ROUTE_DIVERT || dm_address_is_plain(route->demail));
    FUZZ_CHECK(route->address == NULL || strpbrk(route->address, " \r\n") == NULL);
    FUZZ_CHECK(route->parameters == NULL || strpbrk(route->parameters, "\r\n") == NULL);
}

static void check_verdict(const DmVerdict *verdict, gsize recipients)
{
    FUZZ_CHECK((verdict->kind == DM_VERDICT_REFUSE) == (verdict->text != NULL));
    FUZZ_CHECK(verdict->text == NULL || strpbrk(verdict->text, "\r\n") == NULL);
    FUZZ_CHECK(verdict->routes == NULL || verdict->n_routes == recipients);
    for (gsize i = 0; verdict->routes != NULL && i < verdict->n_routes; i++)
        check_route(&verdict->routes[i]);
    for (guint i = 0; verdict->edits != NULL && i < verdict->edits->len; i++)
        check_edit(&g_array_index(verdict->edits, DmEdit, i));
    if (verdict->kind == DM_VERDICT_DEMAIL)
        FUZZ_CHECK(verdict->tenant != NULL && dm_address_is_plain(verdict->sender));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    gsize length = fuzz_header_length(bytes, size);
    g_autofree char *envelope = g_strndup(bytes, length);
    g_auto(GStrv) lines = g_strsplit(envelope, "\n", 50);
    gsize n = lines[0] != NULL ? g_strv_length(lines) - 1 : 0;
    g_autofree DmRequestRecipient *recipients = g_new0(DmRequestRecipient, n + 1);
    const char *rest = memchr(bytes + length, '\n', size - length);
    gsize start = rest != NULL ? (gsize)(rest + 1 - bytes) : size;
    g_autoptr(DmHeaders) headers = dm_headers_parse(bytes + start, size - start, NULL);

    if (headers == NULL)
        return 0;
    for (gsize i = 0; i < n; i++)
        recipients[i].address = g_strchomp(lines[i + 1]);
    const DmRequest request = {.client_address = "127.0.0.1",
                               .login = "max",
                               .sender = lines[0] != NULL ? g_strchomp(lines[0]) : "",
                               .recipients = recipients,
                               .n_recipients = n,
                               .headers = headers,
                               .gateway_id = "0123456789abcdef0123456789abcdef",
                               .now = 1772452800,
                               .trace = TRUE};
    DmVerdict verdict;
    dm_policy_decide(gateway, &request, &verdict);
    check_verdict(&verdict, n);
    dm_verdict_clear(&verdict);
    return 0;
}
