#include "common/policy.h"

#include "common/demail.h"
#include "common/mapping.h"
#include "common/options.h"
#include "common/policy_steps.h"
#include "common/stamp.h"

#include <string.h>

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

static void drop_routes(DmVerdict *verdict)
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
    drop_routes(verdict);
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
    drop_routes(verdict);
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

const char *dm_policy_first_demail(const DmPolicy *policy)
{
    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        if (policy->verdict->routes[i].kind == DM_ROUTE_DIVERT)
            return policy->verdict->routes[i].demail;
    }
    return policy->request->recipients[0].address;
}

/* The kind of every recipient, and whether any is not ordinary. */
static gboolean judge_recipients(DmPolicy *policy, gboolean *any)
{
    GError *error = NULL;

    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        if (!dm_recipient_kind(policy->request->recipients[i].address, policy->domains, policy->config->divert_domain,
                               &policy->kinds[i], &error))
            return dm_policy_tempfail(policy, error);
        if (policy->kinds[i] == DM_RECIPIENT_ORDINARY)
            continue;
        *any = TRUE;
        dm_policy_note(policy, "recipient %s: %s", policy->request->recipients[i].address,
                       policy->kinds[i] == DM_RECIPIENT_DEMAIL     ? "De-Mail"
                       : policy->kinds[i] == DM_RECIPIENT_DIVERTED ? "in the divert domain"
                                                                   : "De-Mail in disguise");
    }
    return TRUE;
}

static const char *first_of_kind(const DmPolicy *policy, DmRecipientKind kind)
{
    for (gsize i = 0; i < policy->request->n_recipients; i++) {
        if (policy->kinds[i] == kind)
            return policy->request->recipients[i].address;
    }
    return NULL;
}

/* The De-Mail address of a recipient in the divert domain; NULL if the recipient is the bare divert domain. */
static char *undiverted(const DmPolicy *policy, const char *recipient)
{
    g_autofree char *key = dm_address_key(recipient);
    g_autofree char *suffix = g_strconcat(".", policy->config->divert_domain, NULL);

    if (g_str_has_suffix(key, "."))
        key[strlen(key) - 1] = '\0';
    if (!g_str_has_suffix(key, suffix))
        return NULL;
    return g_strndup(key, strlen(key) - strlen(suffix));
}

/* A message that comes by again: every diverted recipient is covered by a valid stamp. */
static gboolean is_ours_again(const DmPolicy *policy)
{
    const DmRequest *request = policy->request;
    DmStamp stamp;

    if (policy->gateway->stamp_key == NULL || request->header_too_large ||
        !dm_stamp_verify(policy->gateway->stamp_key, request->headers, request->sender, policy->config->stamp_max_age,
                         &stamp, NULL))
        return FALSE;
    gboolean covered = TRUE;
    for (gsize i = 0; covered && i < request->n_recipients; i++) {
        if (policy->kinds[i] == DM_RECIPIENT_ORDINARY)
            continue;
        g_autofree char *demail = undiverted(policy, request->recipients[i].address);
        covered = policy->kinds[i] == DM_RECIPIENT_DIVERTED && demail != NULL &&
                  dm_stamp_covers(policy->gateway->stamp_key, &stamp, demail);
    }
    dm_stamp_clear(&stamp);
    return covered;
}

static gboolean check_trust(DmPolicy *policy)
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
    return FALSE;
}

/* Untrusted submissions, forms that we do not divert, and the divert domain itself. */
static gboolean check_recipients(DmPolicy *policy)
{
    const char *diverted = first_of_kind(policy, DM_RECIPIENT_DIVERTED);
    const char *disguised = first_of_kind(policy, DM_RECIPIENT_DISGUISED);
    const char *demail = first_of_kind(policy, DM_RECIPIENT_DEMAIL);

    if (diverted != NULL && is_ours_again(policy)) {
        drop_routes(policy->verdict);
        policy->verdict->kind = DM_VERDICT_AGAIN;
        dm_policy_note(policy, "stamped by us before");
        return FALSE;
    }
    if (!check_trust(policy)) {
        const char *named = demail != NULL ? demail : disguised != NULL ? disguised : diverted;
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

/* Own De-Mail addresses become local, the others are diverted. `*any` tells whether one is diverted. */
static gboolean route_recipients(DmPolicy *policy, gboolean *any)
{
    const DmRequest *request = policy->request;
    GError *error = NULL;

    for (gsize i = 0; i < request->n_recipients; i++) {
        DmRoute *route = &policy->verdict->routes[i];
        g_autofree char *own = NULL;
        DmAddress address;
        if (policy->kinds[i] != DM_RECIPIENT_DEMAIL || !dm_address_parse(request->recipients[i].address, &address))
            continue;
        g_autofree char *written = g_strconcat(address.local, "@", address.domain, NULL);
        route->demail = g_ascii_strdown(written, -1);
        dm_address_clear(&address);
        if (!dm_map_to_email(policy->gateway, policy->verdict->tenant, route->demail, &own, &error))
            return dm_policy_tempfail(policy, error);
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

/* One option field of the client, the first occurrence (PVD IO 3.1.1): "yes" or "no", case-sensitive. */
static gboolean read_option_field(DmPolicy *policy, guint i)
{
    const char *value = dm_headers_get(policy->request->headers, dm_option_field(i), 0);
    if (value == NULL)
        return TRUE;

    g_autofree char *word = dm_header_unfold(value);
    if (strcmp(word, "yes") == 0)
        policy->verdict->options |= 1U << i;
    else if (strcmp(word, "no") != 0)
        return dm_policy_refuse(policy, DM_REFUSAL_OPTION_VALUE, dm_option_field(i), word);
    return TRUE;
}

/* Options from the fields and the subject; `*subject` becomes the subject without tag, or NULL if there was none. */
static gboolean read_options(DmPolicy *policy, char **subject)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);
    g_autofree char *decoded = dm_header_decode(value != NULL ? value : "");
    DmSubjectTag tag;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (!read_option_field(policy, i))
            return FALSE;
    }
    dm_subject_tag_parse(decoded, &tag);
    policy->verdict->options |= tag.options;
    *subject = g_steal_pointer(&tag.rest);
    g_autofree char *unknown = g_steal_pointer(&tag.unknown);
    dm_subject_tag_clear(&tag);
    if (unknown != NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_UNKNOWN_TOKEN, unknown, NULL);
    return TRUE;
}

static gboolean check_options(DmPolicy *policy)
{
    DmVerdict *verdict = policy->verdict;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((verdict->options & ~policy->allowed & (1U << i)) != 0)
            return dm_policy_refuse(policy, DM_REFUSAL_OPTION_NOT_ALLOWED, dm_option_word(i), policy->from);
    }
    if ((verdict->options & DM_OPTION_RETRIEVE) != 0)
        verdict->options |= DM_OPTION_PRIVATE;
    if ((verdict->options & DM_OPTION_AUTHORITATIVE) != 0 && g_str_has_prefix(verdict->sender, "pn_"))
        return dm_policy_refuse(policy, DM_REFUSAL_PSEUDONYM, verdict->sender, NULL);
    g_autofree char *words = dm_options_format(verdict->options);
    dm_policy_note(policy, "options: %s", words);
    return TRUE;
}

/* The private id that the client gave, or the gateway id. */
static gboolean read_private_id(DmPolicy *policy, char **private_id)
{
    const char *value = dm_headers_get(policy->request->headers, DM_FIELD_PRIVATE_ID, 0);
    g_autofree char *given = dm_header_unfold(value != NULL ? value : "");

    for (const char *c = given; *c != '\0'; c++) {
        if (!g_ascii_isprint(*c))
            return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    }
    if (strlen(given) > DM_PRIVATE_ID_MAX)
        return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    *private_id = given[0] != '\0' ? g_steal_pointer(&given) : g_strdup(policy->request->gateway_id);
    return TRUE;
}

/* Deletes every reserved field, from the bottom up: an MTA may renumber what is below a deleted one. */
static void delete_reserved(DmPolicy *policy)
{
    const DmHeaders *headers = policy->request->headers;
    g_autoptr(GHashTable) left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = dm_headers_length(headers); i > 0; i--) {
        const char *name = dm_headers_at(headers, i - 1)->name;
        if (!dm_field_is_reserved(name))
            continue;
        char *key = g_ascii_strdown(name, -1);
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(left, key));
        if (n == 0)
            n = dm_headers_count(headers, name);
        dm_policy_edit(policy, DM_EDIT_DELETE, name, n, NULL);
        g_hash_table_replace(left, key, GUINT_TO_POINTER(n - 1));
    }
}

/* Those of the diverted recipients that stand in the fields `name`, each once and in no list before. */
static void choose_from_field(const DmPolicy *policy, const char *name, GHashTable *diverted, GPtrArray *chosen)
{
    const DmHeaders *headers = policy->request->headers;

    for (guint n = 0; n < dm_headers_count(headers, name); n++) {
        g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(dm_headers_get(headers, name, n), NULL);
        for (guint i = 0; i < mailboxes->len; i++) {
            const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
            g_autofree char *key = dm_address_key(mailbox->address);
            if (g_str_has_suffix(key, "."))
                key[strlen(key) - 1] = '\0';
            if (g_hash_table_remove(diverted, key))
                g_ptr_array_add(chosen, g_steal_pointer(&key));
        }
    }
}

/* X-de-mail-chosen-recipient without a trace of Bcc. */
static char *chosen_recipients(const DmPolicy *policy)
{
    g_autoptr(GHashTable) diverted = g_hash_table_new(g_str_hash, g_str_equal);
    DmChosen chosen;

    for (gsize i = 0; i < policy->verdict->n_routes; i++) {
        if (policy->verdict->routes[i].kind == DM_ROUTE_DIVERT)
            g_hash_table_add(diverted, policy->verdict->routes[i].demail);
    }
    dm_chosen_init(&chosen);
    choose_from_field(policy, "To", diverted, chosen.to);
    choose_from_field(policy, "Cc", diverted, chosen.cc);
    char *text = dm_chosen_format(&chosen);
    dm_chosen_clear(&chosen);
    return text;
}

static void change_subject(DmPolicy *policy, const char *subject)
{
    g_autofree char *encoded = dm_header_encode("Subject", subject);

    dm_policy_edit(policy, DM_EDIT_CHANGE, "Subject", 1, encoded);
}

/* The verdict as it stands in the message. */
static void write_verdict(DmPolicy *policy, const char *subject, const char *private_id)
{
    const DmVerdict *verdict = policy->verdict;
    g_autofree char *chosen = chosen_recipients(policy);

    delete_reserved(policy);
    if (subject != NULL)
        change_subject(policy, subject);
    if (dm_headers_count(policy->request->headers, "Message-ID") == 0) {
        g_autofree char *id =
            g_strdup_printf("<%s@%s>", policy->request->gateway_id, verdict->tenant->email_domains[0]);
        dm_policy_edit(policy, DM_EDIT_INSERT, "Message-ID", 0, id);
    }
    dm_policy_edit(policy, DM_EDIT_INSERT, DM_FIELD_PRIVATE_ID, 0, private_id);
    if (chosen[0] != '\0')
        dm_policy_edit(policy, DM_EDIT_INSERT, DM_FIELD_CHOSEN_RECIPIENT, 0, chosen);
    dm_policy_edit(policy, DM_EDIT_INSERT, DM_FIELD_SENDER, 0, verdict->sender);
    for (guint i = 0; i < DM_OPTION_COUNT; i++)
        dm_policy_edit(policy, DM_EDIT_INSERT, dm_option_field(i), 0,
                       (verdict->options & (1U << i)) != 0 ? "yes" : "no");
}

/* The longest subject_prefix of any tenant with which `subject` starts; 0 if none does. */
static gsize marking_length(const DmPolicy *policy, const char *subject)
{
    gsize longest = 0;

    for (guint i = 0; i < policy->config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(policy->config->tenants, i);
        gsize length = strlen(tenant->subject_prefix);
        if (length > longest && g_str_has_prefix(subject, tenant->subject_prefix))
            longest = length;
    }
    return longest;
}

/* Nobody forges a De-Mail by e-mail: reserved fields and our marking go. */
static void clean_ordinary(DmPolicy *policy)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);

    delete_reserved(policy);
    if (value == NULL)
        return;
    g_autofree char *decoded = dm_header_decode(value);
    const char *subject = decoded;
    for (gsize length; (length = marking_length(policy, subject)) > 0;) {
        subject += length;
        subject += strspn(subject, " ");
    }
    if (subject != decoded)
        change_subject(policy, subject);
}

static void decide_ordinary(DmPolicy *policy)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);

    policy->verdict->kind = DM_VERDICT_ORDINARY;
    if (policy->request->reserved_lost) {
        dm_policy_refuse(policy, DM_REFUSAL_HEADER_TOO_LARGE, NULL, NULL);
        return;
    }
    if (policy->config->options_without_demail == DM_WITHOUT_DEMAIL_REJECT && value != NULL && check_trust(policy)) {
        g_autofree char *decoded = dm_header_decode(value);
        DmSubjectTag tag;
        dm_subject_tag_parse(decoded, &tag);
        if (tag.tagged)
            dm_policy_refuse(policy, DM_REFUSAL_WITHOUT_DEMAIL, tag.first, NULL);
        gboolean tagged = tag.tagged;
        dm_subject_tag_clear(&tag);
        if (tagged)
            return;
    }
    clean_ordinary(policy);
}

/* Rules 1 to 4 of a message with De-Mail recipients, in the order in which they answer. */
static void decide_demail(DmPolicy *policy)
{
    gboolean any = FALSE;
    g_autofree char *subject = NULL;
    g_autofree char *private_id = NULL;

    if (!check_recipients(policy) || !dm_policy_identify_sender(policy) || !route_recipients(policy, &any))
        return;
    if (!any) {
        dm_policy_note(policy, "all De-Mail recipients are own mailboxes: an e-mail");
        clean_ordinary(policy);
        return;
    }
    if (!dm_policy_authorise_sender(policy) || !dm_policy_check_mixed(policy) || !read_options(policy, &subject) ||
        !check_options(policy) || !read_private_id(policy, &private_id))
        return;
    write_verdict(policy, subject, private_id);
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
    policy.domains = dm_table_read(gateway->demail_domains, &error);
    if (policy.domains == NULL)
        dm_policy_tempfail(&policy, error);
    else if (judge_recipients(&policy, &any)) {
        if (any)
            decide_demail(&policy);
        else
            decide_ordinary(&policy);
    }
    dm_table_reader_free(policy.domains);
    g_free(policy.kinds);
    g_free(policy.from);
}
