#include "common/policy_steps.h"

#include "common/demail.h"
#include "common/marking.h"

#include <string.h>

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

static void change_subject(DmPolicy *policy, guint n, const char *subject)
{
    g_autofree char *encoded = dm_header_encode("Subject", subject);

    dm_policy_edit(policy, DM_EDIT_CHANGE, "Subject", n, encoded);
}

/* The verdict as it stands in the message. */
void dm_policy_write_verdict(DmPolicy *policy, const char *subject, const char *private_id)
{
    const DmVerdict *verdict = policy->verdict;
    g_autofree char *chosen = chosen_recipients(policy);

    delete_reserved(policy);
    if (subject != NULL)
        change_subject(policy, 1, subject);
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

/* Every Subject field, for a reader sees one of them. */
static void remove_marking(DmPolicy *policy)
{
    const DmHeaders *headers = policy->request->headers;
    g_autoptr(GPtrArray) prefixes = g_ptr_array_new();

    for (guint i = 0; i < policy->config->tenants->len; i++)
        g_ptr_array_add(prefixes, ((DmTenantConfig *)g_ptr_array_index(policy->config->tenants, i))->subject_prefix);
    for (guint n = 0; n < dm_headers_count(headers, "Subject"); n++) {
        g_autofree char *decoded = dm_header_decode(dm_headers_get(headers, "Subject", n));
        g_autofree char *subject = dm_marking_remove(decoded, prefixes);
        if (subject != NULL)
            change_subject(policy, n + 1, subject);
    }
}

void dm_policy_clean_ordinary(DmPolicy *policy)
{
    delete_reserved(policy);
    remove_marking(policy);
}
