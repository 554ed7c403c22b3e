#include "common/policy_steps.h"

#include "common/mapping.h"
#include "common/stamp.h"

#include <string.h>

static const char *first_of_kind(const DmPolicy *policy, DmRecipientKind kind)
{
    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        if (policy->kinds[i] == kind)
            return policy->request->recipients[i].address;
    }
    return NULL;
}

/* A message that comes by again: every diverted recipient is covered by a valid stamp. It comes from a content filter,
 * never from a user: where mixed addressing is permitted users see stamps, and the stamp does not fix the body. */
static gboolean is_ours_again(const DmPolicy *policy)
{
    const DmRequest *request = policy->request;
    DmStamp stamp;

    if (request->login != NULL || !dm_networks_contain(policy->config->trusted_clients, request->client_address))
        return FALSE;
    if (policy->gateway->stamp_key == NULL || request->header_too_large ||
        !dm_stamp_verify(policy->gateway->stamp_key, request->headers, request->sender, policy->config->stamp_max_age,
                         &stamp, NULL))
        return FALSE;
    gboolean covered = TRUE;
    for (gsize i = 0; covered && i < request->n_recipients; i++) {
        if (policy->kinds[i] == DM_RECIPIENT_ORDINARY)
            continue;
        g_autofree char *demail = dm_address_undivert(request->recipients[i].address, policy->config->divert_domain);
        covered = policy->kinds[i] == DM_RECIPIENT_DIVERTED && demail != NULL &&
                  dm_stamp_covers(policy->gateway->stamp_key, &stamp, demail);
    }
    dm_stamp_clear(&stamp);
    return covered;
}

gboolean dm_policy_check_trust(DmPolicy *policy)
{
    const DmRequest *request = policy->request;

    if (request->login != NULL) {
        dm_policy_note(policy, "trusted: login %s", request->login);
        return TRUE;
    }
    if (dm_networks_contain(policy->config->trusted_clients, request->client_address)) {
        dm_policy_note(policy, "trusted: client %s is in trusted_clients", request->client_address);
        return TRUE;
    }
    dm_policy_note(policy, "not trusted: no login, and client %s is not in trusted_clients",
                   request->client_address != NULL ? request->client_address : "unknown");
    return FALSE;
}

static const char *kind_text(DmRecipientKind kind)
{
    switch (kind) {
    case DM_RECIPIENT_ORDINARY:
        return "e-mail";
    case DM_RECIPIENT_DEMAIL:
        return "De-Mail";
    case DM_RECIPIENT_INACTIVE:
        return "De-Mail of a provider that is not active";
    case DM_RECIPIENT_DIVERTED:
        return "in the divert domain";
    case DM_RECIPIENT_DISGUISED:
        return "De-Mail in disguise";
    }
    return "";
}

gboolean dm_policy_judge_recipients(DmPolicy *policy, gboolean *any)
{
    GError *error = NULL;

    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        const char *address = policy->request->recipients[i].address;
        g_autofree char *entry = NULL;
        if (!dm_recipient_kind(address, &policy->domains, policy->config->divert_domain, &policy->kinds[i], &entry,
                               &error))
            return dm_policy_tempfail(policy, error);
        *any = *any || policy->kinds[i] != DM_RECIPIENT_ORDINARY;
        dm_policy_note(policy, "recipient %s: %s%s%s", address, kind_text(policy->kinds[i]), entry != NULL ? ", " : "",
                       entry != NULL ? entry : "");
    }
    return TRUE;
}

/* Untrusted submissions, forms that we do not divert, and the divert domain itself. */
gboolean dm_policy_check_recipients(DmPolicy *policy)
{
    const char *diverted = first_of_kind(policy, DM_RECIPIENT_DIVERTED);
    const char *disguised = first_of_kind(policy, DM_RECIPIENT_DISGUISED);
    const char *demail = first_of_kind(policy, DM_RECIPIENT_DEMAIL);
    const char *inactive = first_of_kind(policy, DM_RECIPIENT_INACTIVE);

    if (diverted != NULL && is_ours_again(policy)) {
        dm_policy_drop_routes(policy->verdict);
        policy->verdict->kind = DM_VERDICT_AGAIN;
        dm_policy_note(policy, "stamped by us before");
        return FALSE;
    }
    if (!dm_policy_check_trust(policy)) {
        const char *named = demail != NULL      ? demail
                            : inactive != NULL  ? inactive
                            : disguised != NULL ? disguised
                                                : diverted;
        g_autofree char *bare = dm_address_key(named);
        return dm_policy_refuse(policy, DM_REFUSAL_UNTRUSTED, bare, NULL);
    }
    if (diverted != NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_DIVERT_DOMAIN, diverted, NULL);
    if (disguised != NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_DISGUISED, disguised, NULL);
    if (policy->request->n_recipients > DM_STAMP_RECIPIENTS_MAX)
        return dm_policy_refuse(policy, DM_REFUSAL_TOO_MANY_RECIPIENTS, NULL, NULL);
    if (policy->request->header_too_large)
        return dm_policy_refuse(policy, DM_REFUSAL_HEADER_TOO_LARGE, NULL, NULL);
    return TRUE;
}

/* xtext, RFC 3461 4. */
static void append_xtext(GString *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c > ' ' && *c < 127 && *c != '+' && *c != '=')
            g_string_append_c(out, *c);
        else
            g_string_append_printf(out, "+%02X", (guint)(guchar)*c);
    }
}

static char *esmtp_parameters(const DmRequestRecipient *recipient)
{
    GString *out = g_string_new("ORCPT=");

    if (recipient->orcpt != NULL) {
        g_string_append(out, recipient->orcpt);
    } else {
        const char *address = recipient->address;
        gsize bracketed = address[0] == '<' && g_str_has_suffix(address, ">") ? 1 : 0;
        g_autofree char *bare = g_strndup(address + bracketed, strlen(address) - 2 * bracketed);
        g_string_append(out, "rfc822;");
        append_xtext(out, bare);
    }
    if (recipient->notify != NULL)
        g_string_append_printf(out, " NOTIFY=%s", recipient->notify);
    return g_string_free(out, FALSE);
}

gboolean dm_policy_map_to_email(DmPolicy *policy, const char *demail, char **email, GError **error)
{
    const DmTenantConfig *tenant = policy->verdict->tenant;

    if (!policy->map_read && !dm_map_read(policy->gateway, tenant, &policy->map, error))
        return FALSE;
    policy->map_read = TRUE;
    return dm_map_to_email_in(policy->map, tenant, demail, email, error);
}

/* Own De-Mail addresses become local, the others are diverted. `*any` tells whether one is diverted. */
gboolean dm_policy_route_recipients(DmPolicy *policy, gboolean *any)
{
    const DmRequest *request = policy->request;
    GError *error = NULL;

    for (gsize i = 0; i < request->n_recipients; i++) {
        DmRoute *route = &policy->verdict->routes[i];
        g_autofree char *own = NULL;
        DmAddress address;
        if ((policy->kinds[i] != DM_RECIPIENT_DEMAIL && policy->kinds[i] != DM_RECIPIENT_INACTIVE) ||
            !dm_address_parse(request->recipients[i].address, &address))
            continue;
        g_autofree char *written = g_strconcat(address.local, "@", address.domain, NULL);
        route->demail = g_ascii_strdown(written, -1);
        dm_address_clear(&address);
        if (!dm_policy_map_to_email(policy, route->demail, &own, &error))
            return dm_policy_tempfail(policy, error);
        if (own == NULL && policy->kinds[i] == DM_RECIPIENT_INACTIVE)
            return dm_policy_refuse(policy, DM_REFUSAL_INACTIVE, route->demail, NULL);
        route->parameters = esmtp_parameters(&request->recipients[i]);
        route->kind = own != NULL ? DM_ROUTE_LOCAL : DM_ROUTE_DIVERT;
        if (own != NULL) {
            dm_policy_note(policy, "recipient %s: own mailbox %s", route->demail, own);
            route->address = g_steal_pointer(&own);
        } else {
            route->address = g_strconcat(route->demail, ".", policy->config->divert_domain, NULL);
            *any = TRUE;
        }
    }
    return TRUE;
}

const char *dm_policy_first_demail(const DmPolicy *policy)
{
    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        if (policy->verdict->routes[i].kind == DM_ROUTE_DIVERT)
            return policy->verdict->routes[i].demail;
    }
    return policy->request->recipients[0].address;
}
