#include "common/policy.h"

#include "common/demail.h"
#include "common/options.h"
#include "common/policy_steps.h"

gboolean dm_policy_needs_field(const char *name)
{
    static const char *const fields[] = {"From", "To", "Cc", "Subject", "Message-ID"};

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (g_ascii_strcasecmp(name, fields[i]) == 0)
            return TRUE;
    }
    return dm_field_is_reserved(name);
}

static void clear_route(DmRoute *route)
{
    g_free(route->address);
    g_free(route->demail);
    g_free(route->parameters);
    *route = (DmRoute){0};
}

void dm_policy_drop_routes(DmVerdict *verdict)
{
    for (gsize i = 0; i < verdict->n_routes; i++)
        clear_route(&verdict->routes[i]);
    g_clear_pointer(&verdict->routes, g_free);
    verdict->n_routes = 0;
}

static void clear_edit(gpointer data)
{
    DmEdit *edit = data;

    g_free(edit->name);
    g_free(edit->value);
}

void dm_verdict_clear(DmVerdict *verdict)
{
    dm_policy_drop_routes(verdict);
    g_clear_pointer(&verdict->edits, g_array_unref);
    g_clear_pointer(&verdict->text, g_free);
    g_clear_pointer(&verdict->detail, g_free);
    g_clear_pointer(&verdict->sender, g_free);
    g_clear_pointer(&verdict->unit, g_free);
    g_clear_pointer(&verdict->trace, g_ptr_array_unref);
}

void dm_policy_note(DmPolicy *policy, const char *format, ...)
{
    va_list args;

    if (policy->verdict->trace == NULL)
        return;
    va_start(args, format);
    g_ptr_array_add(policy->verdict->trace, g_strdup_vprintf(format, args));
    va_end(args);
}

gboolean dm_policy_refuse(DmPolicy *policy, DmRefusal refusal, const char *first, const char *second)
{
    DmVerdict *verdict = policy->verdict;

    /* The words may belong to a route. */
    verdict->text = dm_refusal_text(refusal, policy->config->language, first, second);
    dm_policy_drop_routes(verdict);
    g_array_set_size(verdict->edits, 0);
    verdict->kind = DM_VERDICT_REFUSE;
    verdict->refusal = refusal;
    dm_policy_note(policy, "refused by rule %s", dm_refusal_rule(refusal));
    return FALSE;
}

gboolean dm_policy_tempfail(DmPolicy *policy, GError *error)
{
    policy->verdict->detail = g_strdup(error->message);
    dm_policy_note(policy, "a look-up failed: %s", error->message);
    g_error_free(error);
    return dm_policy_refuse(policy, DM_REFUSAL_TABLE, NULL, NULL);
}

void dm_policy_edit(DmPolicy *policy, DmEditKind kind, const char *name, guint n, const char *value)
{
    DmEdit edit = {kind, g_strdup(name), n, g_strdup(value)};

    g_array_append_val(policy->verdict->edits, edit);
}

/* A tag of options without a De-Mail recipient, where that is to be refused. */
static gboolean check_useless_tag(DmPolicy *policy)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);
    DmSubjectTag tag;

    if (policy->config->options_without_demail != DM_WITHOUT_DEMAIL_REJECT || value == NULL ||
        !dm_policy_check_trust(policy))
        return TRUE;
    g_autofree char *decoded = dm_header_decode(value);
    dm_subject_tag_parse(policy->config->tokens, decoded, &tag);
    gboolean useless = tag.tagged && !dm_policy_refuse(policy, DM_REFUSAL_WITHOUT_DEMAIL, tag.first, NULL);
    dm_subject_tag_clear(&tag);
    return !useless;
}

static void decide_ordinary(DmPolicy *policy)
{
    policy->verdict->kind = DM_VERDICT_ORDINARY;
    if (check_useless_tag(policy))
        dm_policy_clean_ordinary(policy);
}

/* What neither an MTA nor we could clean: too many reserved fields, or some that were left out of the request. */
static gboolean check_reserved(DmPolicy *policy)
{
    const DmHeaders *headers = policy->request->headers;
    guint reserved = 0;

    for (guint i = 0; i < dm_headers_length(headers); i++)
        reserved += dm_field_is_reserved(dm_headers_at(headers, i)->name) ? 1 : 0;
    if (reserved > DM_RESERVED_FIELDS_MAX || policy->request->reserved_lost)
        return dm_policy_refuse(policy, DM_REFUSAL_HEADER_TOO_LARGE, NULL, NULL);
    return TRUE;
}

/* Rules 1 to 4 of a message with De-Mail recipients, in the order in which they answer. */
static void decide_demail(DmPolicy *policy)
{
    gboolean any = FALSE;
    g_autofree char *subject = NULL;
    g_autofree char *private_id = NULL;

    if (!dm_policy_check_recipients(policy) || !dm_policy_identify_sender(policy) ||
        !dm_policy_route_recipients(policy, &any))
        return;
    if (!any) {
        dm_policy_note(policy, "all De-Mail recipients are own mailboxes: an e-mail");
        decide_ordinary(policy);
        return;
    }
    if (!dm_policy_authorise_sender(policy) || !dm_policy_check_mixed(policy) ||
        !dm_policy_read_options(policy, &subject) || !dm_policy_check_options(policy) ||
        !dm_policy_read_private_id(policy, &private_id))
        return;
    dm_policy_write_verdict(policy, subject, private_id);
    policy->verdict->kind = DM_VERDICT_DEMAIL;
}

void dm_policy_decide(const DmGateway *gateway, const DmRequest *request, DmVerdict *verdict)
{
    GError *error = NULL;
    gboolean any = FALSE;
    DmPolicy policy = {.gateway = gateway, .config = gateway->config, .request = request, .verdict = verdict};

    *verdict = (DmVerdict){0};
    verdict->routes = g_new0(DmRoute, request->n_recipients);
    verdict->n_routes = request->n_recipients;
    verdict->edits = g_array_new(FALSE, FALSE, sizeof(DmEdit));
    g_array_set_clear_func(verdict->edits, clear_edit);
    if (request->trace)
        verdict->trace = g_ptr_array_new_with_free_func(g_free);
    policy.kinds = g_new0(DmRecipientKind, request->n_recipients);
    if (!dm_domains_read(&policy.domains, gateway->demail_domains, gateway->trust_list, gateway->config, &error))
        dm_policy_tempfail(&policy, error);
    else if (check_reserved(&policy) && dm_policy_judge_recipients(&policy, &any)) {
        if (any)
            decide_demail(&policy);
        else
            decide_ordinary(&policy);
    }
    dm_domains_clear(&policy.domains);
    dm_table_reader_free(policy.map);
    g_free(policy.kinds);
    g_free(policy.from);
}
