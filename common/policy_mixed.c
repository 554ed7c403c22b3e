#include "common/policy_steps.h"

typedef enum { PLACE_DEMAIL, PLACE_INTERNAL, PLACE_OUTSIDE } Place;

static Place place_of_email(const DmPolicy *policy, const char *address)
{
    g_autofree char *domain = dm_address_domain(address);

    /* An address without a domain is completed by the MTA with a domain of its own. */
    if (domain == NULL)
        return PLACE_INTERNAL;
    return dm_config_tenant_by_email_domain(policy->config, domain) == policy->verdict->tenant ? PLACE_INTERNAL
                                                                                               : PLACE_OUTSIDE;
}

static gboolean place_of_header_address(DmPolicy *policy, const char *address, Place *place)
{
    DmRecipientKind kind = DM_RECIPIENT_ORDINARY;
    GError *error = NULL;
    g_autofree char *own = NULL;

    if (!dm_recipient_kind(address, &policy->domains, policy->config->divert_domain, &kind, NULL, &error))
        return dm_policy_tempfail(policy, error);
    if (kind == DM_RECIPIENT_ORDINARY) {
        *place = place_of_email(policy, address);
        return TRUE;
    }
    if (!dm_policy_map_to_email(policy, address, &own, &error))
        return dm_policy_tempfail(policy, error);
    *place = own != NULL ? PLACE_INTERNAL : PLACE_DEMAIL;
    return TRUE;
}

static gboolean is_permitted(const DmPolicy *policy, Place place)
{
    switch (policy->config->mixed_addressing) {
    case DM_MIXED_REJECT:
        return place == PLACE_DEMAIL;
    case DM_MIXED_INTERNAL:
        return place != PLACE_OUTSIDE;
    case DM_MIXED_ALLOW:
        return TRUE;
    }
    return FALSE;
}

static gboolean check_envelope(DmPolicy *policy)
{
    const DmRequest *request = policy->request;

    for (gsize i = 0; i < request->n_recipients; i++) {
        const char *address = request->recipients[i].address;
        Place place = PLACE_DEMAIL;
        if (policy->verdict->routes[i].kind == DM_ROUTE_LOCAL)
            place = PLACE_INTERNAL;
        else if (policy->verdict->routes[i].kind == DM_ROUTE_KEEP)
            place = place_of_email(policy, address);
        if (!is_permitted(policy, place)) {
            g_autofree char *bare = dm_address_key(address);
            return dm_policy_refuse(policy, DM_REFUSAL_MIXED_ENVELOPE, dm_policy_first_demail(policy), bare);
        }
    }
    return TRUE;
}

static gboolean check_field(DmPolicy *policy, const char *name, const char *value)
{
    gboolean clean = FALSE;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(value, &clean);

    if (!clean)
        return dm_policy_refuse(policy, DM_REFUSAL_UNREADABLE_HEADER, name, NULL);
    for (guint i = 0; i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        Place place = PLACE_OUTSIDE;
        if (!place_of_header_address(policy, mailbox->address, &place))
            return FALSE;
        if (!is_permitted(policy, place))
            return dm_policy_refuse(policy, DM_REFUSAL_MIXED_HEADER, dm_policy_first_demail(policy), mailbox->address);
    }
    return TRUE;
}

gboolean dm_policy_check_mixed(DmPolicy *policy)
{
    static const char *const fields[] = {"To", "Cc"};
    const DmHeaders *headers = policy->request->headers;

    if (!check_envelope(policy))
        return FALSE;
    if (policy->config->mixed_addressing == DM_MIXED_ALLOW ||
        policy->config->mixed_addressing_scope == DM_MIXED_SCOPE_ENVELOPE) {
        dm_policy_note(policy, "mixed addressing: %s",
                       policy->config->mixed_addressing == DM_MIXED_ALLOW
                           ? "allowed"
                           : "none in the envelope; the header is not looked at");
        return TRUE;
    }
    for (gsize f = 0; f < G_N_ELEMENTS(fields); f++) {
        for (guint n = 0; n < dm_headers_count(headers, fields[f]); n++) {
            if (!check_field(policy, fields[f], dm_headers_get(headers, fields[f], n)))
                return FALSE;
        }
    }
    dm_policy_note(policy, "mixed addressing: none that is not permitted");
    return TRUE;
}
