#include "poller/receive_recipients.h"

#include "common/address.h"
#include "common/demail.h"
#include "common/mapping.h"

/* Whose mailbox it came from. */
typedef struct {
    const DmGateway *gateway;
    const DmTenantConfig *tenant;
    const DmSentMessage *about; /* or NULL */
} Target;

/* E-mail recipients, each once, in order. */
typedef struct {
    GPtrArray *list;  /* of char * */
    GHashTable *seen; /* the same strings */
} Recipients;

static void recipients_add(Recipients *recipients, const char *address)
{
    char *key = dm_address_key(address);

    if (g_hash_table_contains(recipients->seen, key)) {
        g_free(key);
        return;
    }
    g_hash_table_add(recipients->seen, key);
    g_ptr_array_add(recipients->list, key);
}

/* Adds the e-mail address of a De-Mail address; one that has none goes to the catch-all if `ours`, else nowhere. The
 * sender of what it is about is in the list already. */
static gboolean add_mapped(const Target *target, const char *demail, gboolean ours, Recipients *recipients,
                           GError **error)
{
    g_autofree char *email = NULL;

    if (target->about && dm_address_equal(demail, target->about->demail))
        return TRUE;
    if (!dm_map_to_email(target->gateway, target->tenant, demail, &email, error))
        return FALSE;
    if (email && dm_address_is_plain(email))
        recipients_add(recipients, email);
    else if (!target->about && (email || ours))
        recipients_add(recipients, target->tenant->catch_all);
    return TRUE;
}

/* *found: whether it names anybody. */
static gboolean add_envelope_to(const Target *target, const DmHeaders *headers, Recipients *recipients, gboolean *found,
                                GError **error)
{
    *found = FALSE;
    for (guint n = 0; n < dm_headers_count(headers, "Envelope-to"); n++) {
        g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(dm_headers_get(headers, "Envelope-to", n), NULL);

        for (guint i = 0; i < mailboxes->len; i++) {
            const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);

            *found = TRUE;
            if (!add_mapped(target, mailbox->address, TRUE, recipients, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean add_all(const Target *target, char *const *demail, gsize n, Recipients *recipients, GError **error)
{
    for (gsize i = 0; i < n; i++) {
        if (!add_mapped(target, demail[i], FALSE, recipients, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_actual(const Target *target, const DmHeaders *headers, Recipients *recipients, GError **error)
{
    const char *value = dm_headers_get(headers, DM_FIELD_ACTUAL_RECIPIENT, 0);
    DmChosen actual = {0};
    gboolean ok = TRUE;

    if (value && dm_chosen_parse(value, &actual))
        ok = add_all(target, (char *const *)actual.to->pdata, actual.to->len, recipients, error) &&
             add_all(target, (char *const *)actual.cc->pdata, actual.cc->len, recipients, error) &&
             add_all(target, (char *const *)actual.bcc->pdata, actual.bcc->len, recipients, error);
    dm_chosen_clear(&actual);
    return ok;
}

static gboolean find(const Target *target, const DmEntry *entry, const DmHeaders *headers, Recipients *recipients,
                     GError **error)
{
    gboolean found;

    if (target->about && dm_address_is_plain(target->about->email))
        recipients_add(recipients, target->about->email);
    if (!add_envelope_to(target, headers, recipients, &found, error))
        return FALSE;
    if (!found && !add_all(target, entry->recipients, g_strv_length(entry->recipients), recipients, error))
        return FALSE;
    if (recipients->list->len == 0 && !add_actual(target, headers, recipients, error))
        return FALSE;
    if (recipients->list->len == 0)
        recipients_add(recipients, target->tenant->catch_all);
    return TRUE;
}

GPtrArray *dm_receive_recipients(const DmGateway *gateway, const DmTenantConfig *tenant, const DmEntry *entry,
                                 const DmHeaders *headers, const DmSentMessage *about, GError **error)
{
    const Target target = {gateway, tenant, about};
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    Recipients recipients = {list, seen};

    return find(&target, entry, headers, &recipients, error) ? g_steal_pointer(&list) : NULL;
}
