#include "common/config_schema.h"

#include <stddef.h>
#include <string.h>

#define G(member) offsetof(DmConfig, member)
#define P(member) offsetof(DmProviderConfig, member)
#define T(member) offsetof(DmTenantConfig, member)

#define DAY  86400
#define YEAR (366 * (gint64)DAY)

#define KEEP_DAYS_MIN 90 /* a recipient may delete a confirmed message so many days after it came (PVD FU 3) */

static const char *const languages[] = {"en", "de", NULL};
static const char *const mixed[] = {"reject", "internal", "allow", NULL};
static const char *const mixed_scopes[] = {"envelope", "headers", NULL};
static const char *const without_demail[] = {"ignore", "reject", NULL};
static const char *const on_unknown[] = {"hold", "resend", NULL};
static const char *const directions[] = {"both", "send", "receive", NULL};

static const DmConfigKey gateway_keys[] = {
    {"language", G(language), {DM_VALUE_CHOICE, languages, 0, 0}, "en"},
    {"divert_domain", G(divert_domain), {DM_VALUE_DOMAIN, NULL, 0, 0}, "demail.invalid"},
    {"stamp_max_age", G(stamp_max_age), {DM_VALUE_DURATION, NULL, 3600, YEAR}, "7d"},
    {"stamp_key_file", G(stamp_key_file), {DM_VALUE_FILE, NULL, 0, 0}, "/etc/demail/stamp.key"},
    {"state_dir", G(state_dir), {DM_VALUE_FILE, NULL, 0, 0}, "/var/lib/demail"},
    {"demail_domains", G(demail_domains), {DM_VALUE_TABLE, NULL, 0, 0}, "lmdb:/etc/demail/demail_domains"},
    {"trusted_clients", G(trusted_clients), {DM_VALUE_NETWORKS, NULL, 0, 0}, "127.0.0.0/8;::1/128"},
    {"sender_logins", G(sender_logins), {DM_VALUE_TABLE, NULL, 0, 0}, ""},
    {"trust_anchors", G(trust_anchors), {DM_VALUE_FILES, NULL, 0, 0}, ""},
    {"crl_files", G(crl_files), {DM_VALUE_FILES, NULL, 0, 0}, ""},
    {"trust_list_url", G(trust_list_url), {DM_VALUE_SOURCE, NULL, 0, 0}, ""},
    {"trust_list_ca_file", G(trust_list_ca_file), {DM_VALUE_FILE, NULL, 0, 0}, ""},
    {"trust_list_signer", G(trust_list_signer), {DM_VALUE_FILE, NULL, 0, 0}, ""},
    {"keep_days", G(keep_days), {DM_VALUE_NUMBER, NULL, KEEP_DAYS_MIN, 36500}, "365"},
    {"on_unknown", G(on_unknown), {DM_VALUE_CHOICE, on_unknown, 0, 0}, "hold"},
    {"recipient_delimiter", G(recipient_delimiter), {DM_VALUE_TEXT, NULL, 0, 0}, "+"},
    {"mixed_addressing", G(mixed_addressing), {DM_VALUE_CHOICE, mixed, 0, 0}, "reject"},
    {"mixed_addressing_scope", G(mixed_addressing_scope), {DM_VALUE_CHOICE, mixed_scopes, 0, 0}, "headers"},
    {"options_without_demail", G(options_without_demail), {DM_VALUE_CHOICE, without_demail, 0, 0}, "ignore"},
    {"token_private", G(tokens[0]), {DM_VALUE_TOKENS, NULL, 0, 0}, "P"},
    {"token_authoritative", G(tokens[1]), {DM_VALUE_TOKENS, NULL, 0, 0}, "AS"},
    {"token_dispatch", G(tokens[2]), {DM_VALUE_TOKENS, NULL, 0, 0}, "VB"},
    {"token_receipt", G(tokens[3]), {DM_VALUE_TOKENS, NULL, 0, 0}, "EB"},
    {"token_retrieve", G(tokens[4]), {DM_VALUE_TOKENS, NULL, 0, 0}, "AH"},
    {"strip_headers",
     G(strip_headers),
     {DM_VALUE_LIST, NULL, 0, 0},
     "Received;X-Originating-IP;User-Agent;X-Mailer;X-Authentication-Warning"},
    {NULL, 0, {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
};

static const DmConfigKey milter_keys[] = {
    {"socket", G(milter.socket), {DM_VALUE_MILTER, NULL, 0, 0}, "inet:8895@127.0.0.1"},
    {"socket_mode", G(milter.socket_mode), {DM_VALUE_MODE, NULL, 0, 0777}, "0660"},
    {"socket_group", G(milter.socket_group), {DM_VALUE_TEXT, NULL, 0, 0}, "demail-mta"},
    {"user", G(milter.user), {DM_VALUE_TEXT, NULL, 0, 0}, "demail-milter"},
    {"group", G(milter.group), {DM_VALUE_TEXT, NULL, 0, 0}, "demail"},
    {"metrics_file", G(milter.metrics_file), {DM_VALUE_FILE, NULL, 0, 0}, "/run/demail-milter/metrics.prom"},
    {NULL, 0, {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
};

static const DmConfigKey poller_keys[] = {
    {"lmtp", G(poller.lmtp), {DM_VALUE_SOCKET, NULL, 0, 0}, "unix:/run/demail/lmtp.sock"},
    {"inject", G(poller.inject), {DM_VALUE_SMTP_URL, NULL, 0, 0}, "smtp://127.0.0.1:10025"},
    {"socket_mode", G(poller.socket_mode), {DM_VALUE_MODE, NULL, 0, 0777}, "0660"},
    {"socket_group", G(poller.socket_group), {DM_VALUE_TEXT, NULL, 0, 0}, "demail-mta"},
    {"user", G(poller.user), {DM_VALUE_TEXT, NULL, 0, 0}, "demail-poller"},
    {"group", G(poller.group), {DM_VALUE_TEXT, NULL, 0, 0}, "demail"},
    {"max_connections", G(poller.max_connections), {DM_VALUE_NUMBER, NULL, 1, 10000}, "128"},
    {NULL, 0, {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
};

static const DmConfigKey provider_keys[] = {
    {"driver", P(driver), {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
    {"url", P(url), {DM_VALUE_URL, NULL, 0, 0}, NULL},
    {"ca_file", P(ca_file), {DM_VALUE_FILE, NULL, 0, 0}, ""},
    {"client_cert", P(client_cert), {DM_VALUE_FILE, NULL, 0, 0}, NULL},
    {"client_key", P(client_key), {DM_VALUE_FILE, NULL, 0, 0}, NULL},
    {"password_file", P(password_file), {DM_VALUE_FILE, NULL, 0, 0}, NULL},
    {"poll_interval", P(poll_interval), {DM_VALUE_DURATION, NULL, 1, DAY}, "60s"},
    {"timeout", P(timeout), {DM_VALUE_DURATION, NULL, 1, 3600}, "60s"},
    {"max_submissions", P(max_submissions), {DM_VALUE_NUMBER, NULL, 1, 10000}, "32"},
    {"send_until", P(send_until), {DM_VALUE_DATE, NULL, 0, 0}, ""},
    {"receive_until", P(receive_until), {DM_VALUE_DATE, NULL, 0, 0}, ""},
    {NULL, 0, {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
};

static const DmConfigKey tenant_keys[] = {
    {"provider", T(provider_name), {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
    {"account", T(account), {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
    {"email_domains", T(email_domains), {DM_VALUE_DOMAINS, NULL, 0, 0}, NULL},
    {"demail_domains", T(demail_domains), {DM_VALUE_DOMAINS, NULL, 0, 0}, NULL},
    {"direction", T(direction), {DM_VALUE_CHOICE, directions, 0, 0}, "both"},
    {"senders", T(senders), {DM_VALUE_TABLE, NULL, 0, 0}, NULL},
    {"address_map", T(address_map), {DM_VALUE_TABLE, NULL, 0, 0}, ""},
    {"allowed_clients", T(allowed_clients), {DM_VALUE_NETWORKS, NULL, 0, 0}, ""},
    {"catch_all", T(catch_all), {DM_VALUE_ADDRESS, NULL, 0, 0}, NULL},
    {"bounce_address", T(bounce_address), {DM_VALUE_ADDRESS, NULL, 0, 0}, NULL},
    {"subject_prefix", T(subject_prefix), {DM_VALUE_TEXT, NULL, 0, 0}, ""},
    {"poll", T(poll), {DM_VALUE_BOOL, NULL, 0, 0}, "yes"},
    {"archive_dir", T(archive_dir), {DM_VALUE_FILE, NULL, 0, 0}, ""},
    {NULL, 0, {DM_VALUE_TEXT, NULL, 0, 0}, NULL},
};

const DmConfigGroup dm_config_groups[] = {
    {"gateway", FALSE, gateway_keys},  {"milter", FALSE, milter_keys}, {"poller", FALSE, poller_keys},
    {"provider", TRUE, provider_keys}, {"tenant", TRUE, tenant_keys},  {NULL, FALSE, NULL},
};

const DmConfigGroup *dm_config_group(const char *name)
{
    for (const DmConfigGroup *group = dm_config_groups; group->name != NULL; group++) {
        if (strcmp(group->name, name) == 0)
            return group;
    }
    return NULL;
}
