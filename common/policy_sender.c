#include "common/policy_steps.h"

#include "common/mapping.h"
#include "common/permission.h"

#include <string.h>

/* Whether one of the logins in the table's value (separated by commas or blanks) is `login`. */
static gboolean names_login(const char *value, const char *login)
{
    g_auto(GStrv) logins = g_strsplit_set(value, ", \t", -1);

    for (char **one = logins; *one != NULL; one++) {
        if ((*one)[0] != '\0' && g_ascii_strcasecmp(*one, login) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean look_up_login(DmPolicy *policy, const char *from, gboolean *named, GError **error)
{
    const char *login = policy->request->login;
    g_autofree char *value = NULL;
    g_autofree char *key = NULL;

    *named = FALSE;
    if (login == NULL || policy->gateway->sender_logins == NULL)
        return TRUE;
    g_autoptr(DmTableReader) reader = dm_table_read(policy->gateway->sender_logins, error);
    if (reader == NULL || !dm_table_find(reader, from, DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN,
                                         policy->config->recipient_delimiter, &value, &key, error))
        return FALSE;
    *named = value != NULL && names_login(value, login);
    if (value != NULL)
        dm_policy_note(policy, "sender_logins: entry %s %s login %s", key, *named ? "names" : "does not name", login);
    return TRUE;
}

/* A login without a domain says whose it is only while there is one tenant. */
static gboolean login_is_address(const DmPolicy *policy, const char *login, const char *from)
{
    gsize local = strcspn(from, "@");

    if (strchr(login, '@') != NULL)
        return dm_address_equal(login, from);
    return policy->config->tenants->len == 1 && strlen(login) == local && g_ascii_strncasecmp(login, from, local) == 0;
}

/* The one From address as written, or NULL. */
static char *single_from(const DmPolicy *policy)
{
    const char *value = dm_headers_get(policy->request->headers, "From", 0);
    gboolean clean = FALSE;

    if (value == NULL || dm_headers_count(policy->request->headers, "From") != 1)
        return NULL;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(value, &clean);
    if (mailboxes->len != 1 || !clean)
        return NULL;
    return g_strdup(((const DmMailbox *)g_ptr_array_index(mailboxes, 0))->address);
}

/* Finds the tenant of `from` and the e-mail address that counts. */
static gboolean find_tenant(DmPolicy *policy, const char *from)
{
    GError *error = NULL;
    DmAddress address;

    if (!dm_address_parse(from, &address))
        return dm_policy_refuse(policy, DM_REFUSAL_NO_TENANT, from, NULL);
    const DmTenantConfig *tenant = dm_config_tenant_by_email_domain(policy->config, address.domain);
    const DmTenantConfig *by_demail = dm_config_tenant_by_demail_domain(policy->config, address.domain);
    g_autofree char *plain = g_strconcat(address.local, "@", address.domain, NULL);
    dm_address_clear(&address);
    if (tenant != NULL) {
        policy->from = g_ascii_strdown(plain, -1);
    } else if (by_demail != NULL) {
        tenant = by_demail;
        if (!dm_map_to_email(policy->gateway, tenant, plain, &policy->from, &error))
            return dm_policy_tempfail(policy, error);
    }
    if (tenant == NULL || policy->from == NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_NO_TENANT, from, NULL);
    policy->verdict->tenant = tenant;
    dm_policy_note(policy, "tenant: %s, sending as %s", tenant->name, policy->from);
    return TRUE;
}

gboolean dm_policy_identify_sender(DmPolicy *policy)
{
    const DmRequest *request = policy->request;
    g_autofree char *from = single_from(policy);
    GError *error = NULL;
    gboolean named = FALSE;

    if (from == NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_FROM_COUNT, dm_policy_first_demail(policy), NULL);
    if (!find_tenant(policy, from))
        return FALSE;
    if (!look_up_login(policy, policy->from, &named, &error))
        return dm_policy_tempfail(policy, error);

    gboolean is_envelope = dm_address_equal(from, request->sender) || dm_address_equal(policy->from, request->sender);
    if (!is_envelope && !named) {
        g_autofree char *sender = dm_address_key(request->sender);
        return dm_policy_refuse(policy, DM_REFUSAL_FROM_NOT_ENVELOPE, from, sender[0] != '\0' ? sender : "<>");
    }
    if (request->login != NULL && !named && !login_is_address(policy, request->login, policy->from))
        return dm_policy_refuse(policy, DM_REFUSAL_FROM_NOT_LOGIN, from, request->login);
    dm_policy_note(policy, "From: %s, %s%s", from, is_envelope ? "the envelope sender" : "not the envelope sender",
                   named                    ? ", and the login may send as it"
                   : request->login != NULL ? ", and the login is this address"
                                            : "");
    return TRUE;
}

static gboolean look_up_permission(DmPolicy *policy)
{
    const DmTenantTables *tables = dm_gateway_tenant_tables(policy->gateway, policy->verdict->tenant);
    GError *error = NULL;
    g_autofree char *value = NULL;
    g_autofree char *key = NULL;
    DmPermission permission;

    g_autoptr(DmTableReader) reader = dm_table_read(tables->senders, &error);
    if (reader == NULL || !dm_table_find(reader, policy->from, DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN,
                                         policy->config->recipient_delimiter, &value, &key, &error))
        return dm_policy_tempfail(policy, error);
    dm_policy_note(policy, "senders: %s%s%s", key != NULL ? key : "no entry", value != NULL ? " -> " : "",
                   value != NULL ? value : "");
    if (value == NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_NOT_LISTED, policy->from, NULL);
    if (!dm_permission_parse(value, &permission)) {
        g_set_error(&error, DM_ERROR, DM_ERROR_CONFIG, "table %s: key %s: \"%s\" is no list of options; correct it",
                    dm_table_file(tables->senders), key, value);
        return dm_policy_tempfail(policy, error);
    }
    policy->allowed = permission.options;
    policy->verdict->unit = g_steal_pointer(&permission.unit);
    if (!permission.permitted)
        return dm_policy_refuse(policy, DM_REFUSAL_NOT_LISTED, policy->from, NULL);
    return TRUE;
}

gboolean dm_policy_authorise_sender(DmPolicy *policy)
{
    const DmTenantConfig *tenant = policy->verdict->tenant;
    const DmRequest *request = policy->request;
    GError *error = NULL;
    DmRecipientKind kind = DM_RECIPIENT_ORDINARY;

    if (tenant->direction == DM_DIRECTION_RECEIVE)
        return dm_policy_refuse(policy, DM_REFUSAL_DIRECTION, tenant->name, NULL);
    if (tenant->provider->send_until != 0 && request->now > tenant->provider->send_until)
        return dm_policy_refuse(policy, DM_REFUSAL_PROVIDER_ENDED, tenant->provider->name, NULL);
    if (!dm_networks_is_empty(tenant->allowed_clients) &&
        !dm_networks_contain(tenant->allowed_clients, request->client_address))
        return dm_policy_refuse(policy, DM_REFUSAL_CLIENT,
                                request->client_address != NULL ? request->client_address : "unknown", tenant->name);
    dm_policy_note(policy, "provider: %s, open for sending by %s", tenant->provider->name, tenant->name);
    if (!look_up_permission(policy))
        return FALSE;

    if (!dm_map_to_demail(policy->gateway, tenant, policy->from, &policy->verdict->sender, &error))
        return dm_policy_tempfail(policy, error);
    if (policy->verdict->sender != NULL && !dm_recipient_kind(policy->verdict->sender, &policy->domains,
                                                              policy->config->divert_domain, &kind, NULL, &error))
        return dm_policy_tempfail(policy, error);
    if (kind == DM_RECIPIENT_INACTIVE)
        return dm_policy_refuse(policy, DM_REFUSAL_INACTIVE, policy->verdict->sender, NULL);
    if (kind != DM_RECIPIENT_DEMAIL)
        return dm_policy_refuse(policy, DM_REFUSAL_NO_DEMAIL_ADDRESS, policy->from, NULL);
    dm_policy_note(policy, "De-Mail address: %s", policy->verdict->sender);
    return TRUE;
}
