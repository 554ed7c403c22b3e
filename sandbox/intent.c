#include "sandbox/intent.h"

#include "common/address.h"
#include "standard/recipients.h"

void dm_intent_clear(DmIntent *intent)
{
    dm_chosen_clear(&intent->chosen);
    g_free(intent->sender);
    g_free(intent->private_id);
    g_free(intent->private_id_text);
    *intent = (DmIntent){0};
}

static gboolean read_options(DmIntent *intent, const DmHeaders *headers, DmDenial *denial)
{
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        const char *value = dm_headers_get(headers, dm_option_field(i), 0);
        if (!value)
            continue;
        g_autofree char *word = dm_header_unfold(value);
        if (g_str_equal(word, "yes"))
            intent->options |= 1U << i;
        else if (!g_str_equal(word, "no"))
            return dm_deny(denial, "invalid-format", "%s must be yes or no", dm_option_field(i));
    }
    if (intent->options & DM_OPTION_RETRIEVE)
        intent->options |= DM_OPTION_PRIVATE;
    return TRUE;
}

static gboolean read_sender(DmIntent *intent, const DmHeaders *headers, const DmEnvelope *envelope, DmDenial *denial)
{
    const char *value = dm_headers_get(headers, DM_FIELD_SENDER, 0);
    g_autofree char *sender = value ? dm_header_unfold(value) : g_strdup(envelope->sender);
    if (!dm_address_equal(sender, envelope->sender))
        return dm_deny(denial, "sender-not-yours", "%s names another sender than the envelope", DM_FIELD_SENDER);
    intent->sender = dm_address_key(sender);
    return TRUE;
}

static gboolean read_private_id(DmIntent *intent, const DmHeaders *headers, const DmEnvelope *envelope,
                                DmDenial *denial)
{
    const char *value = dm_headers_get(headers, DM_FIELD_PRIVATE_ID, 0);
    if (value)
        intent->private_id = g_strdup(*value == ' ' ? value + 1 : value);
    else if (*envelope->private_id)
        intent->private_id = dm_header_encode(DM_FIELD_PRIVATE_ID, envelope->private_id);
    intent->private_id_text = dm_header_decode(intent->private_id ? intent->private_id : "");
    if (g_utf8_strlen(intent->private_id_text, -1) > DM_PRIVATE_ID_MAX)
        return dm_deny(denial, "invalid-format", "%s is longer than %d characters", DM_FIELD_PRIVATE_ID,
                       DM_PRIVATE_ID_MAX);
    return TRUE;
}

static void add_from_field(GPtrArray *list, const DmHeaders *headers, const char *name, const DmAccounts *accounts)
{
    const char *value = dm_headers_get(headers, name, 0);
    if (!value)
        return;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(value, NULL);
    for (guint i = 0; i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        if (dm_accounts_is_demail(accounts, mailbox->address))
            g_ptr_array_add(list, g_strdup(mailbox->address));
    }
}

static gboolean check_addresses(const GPtrArray *list, const DmAccounts *accounts, DmDenial *denial)
{
    for (guint i = 0; i < list->len; i++) {
        const char *address = g_ptr_array_index(list, i);
        if (!dm_accounts_is_demail(accounts, address))
            return dm_deny(denial, "recipient-not-demail", "%s is no De-Mail address", address);
    }
    return TRUE;
}

/* A draft may name several bcc; each gets a De-Mail of his own (step 29). */
static gboolean parse_chosen(const char *text, DmChosen *chosen, const DmAccounts *accounts, DmDenial *denial)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    dm_recipients_read(text, chosen, findings);
    for (guint i = 0; i < findings->reasons->len; i++) {
        const char *reason = g_ptr_array_index(findings->reasons, i);
        if (!g_str_equal(reason, "recipient.bcc-several"))
            return dm_deny(denial, "invalid-format", "%s: %s", DM_FIELD_CHOSEN_RECIPIENT, reason);
    }
    return check_addresses(chosen->to, accounts, denial) && check_addresses(chosen->cc, accounts, denial);
}

static void add_keys(GHashTable *keys, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++)
        g_hash_table_add(keys, dm_address_key(g_ptr_array_index(addresses, i)));
}

static gboolean read_chosen(DmIntent *intent, const DmHeaders *headers, const DmEnvelope *envelope,
                            const DmAccounts *accounts, DmDenial *denial)
{
    const char *value = dm_headers_get(headers, DM_FIELD_CHOSEN_RECIPIENT, 0);
    g_autofree char *text = value ? dm_header_unfold(value) : g_strdup("");
    if (*text) {
        if (!parse_chosen(text, &intent->chosen, accounts, denial))
            return FALSE;
        g_ptr_array_set_size(intent->chosen.bcc, 0);
    } else {
        dm_chosen_init(&intent->chosen);
        add_from_field(intent->chosen.to, headers, "To", accounts);
        add_from_field(intent->chosen.cc, headers, "Cc", accounts);
    }

    g_autoptr(GHashTable) visible = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    add_keys(visible, intent->chosen.to);
    add_keys(visible, intent->chosen.cc);
    for (gsize i = 0; envelope->recipients[i]; i++) {
        g_autofree char *key = dm_address_key(envelope->recipients[i]);
        if (!g_hash_table_contains(visible, key) && dm_accounts_is_demail(accounts, envelope->recipients[i]))
            g_ptr_array_add(intent->chosen.bcc, g_strdup(envelope->recipients[i]));
    }
    return TRUE;
}

gboolean dm_intent_read(DmIntent *intent, const DmHeaders *headers, const DmEnvelope *envelope,
                        const DmAccounts *accounts, DmDenial *denial)
{
    return read_options(intent, headers, denial) && read_sender(intent, headers, envelope, denial) &&
           read_private_id(intent, headers, envelope, denial) &&
           read_chosen(intent, headers, envelope, accounts, denial);
}
