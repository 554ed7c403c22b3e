#include "standard/rules.h"

#include "common/address.h"
#include "common/demail.h"
#include "standard/mailbox.h"
#include "standard/recipients.h"
#include "standard/rules_syntax.h"

static const char *const resent_fields[] = {"Resent-To", "Resent-From", "Resent-Date", "Resent-Message-ID"};

static void add_keys(GHashTable *keys, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++)
        g_hash_table_add(keys, dm_address_key(g_ptr_array_index(addresses, i)));
}

/* The actual recipients are those that it was forwarded to. An unreadable list has been complained about. */
static void judge_recipient(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, "Resent-To");
    g_autofree char *actual = dm_rules_text(headers, DM_FIELD_ACTUAL_RECIPIENT);
    g_autoptr(GPtrArray) resent = text != NULL ? dm_mailbox_read_list(text) : NULL;
    g_autoptr(DmFindings) scratch = dm_findings_new();
    DmChosen chosen;

    if (text != NULL && resent == NULL)
        dm_findings_fail(findings, "forward.syntax");
    if (resent == NULL || actual == NULL)
        return;
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean readable = dm_recipients_read(actual, &chosen, scratch);
    add_keys(keys, chosen.to);
    add_keys(keys, chosen.cc);
    add_keys(keys, chosen.bcc);
    for (guint i = 0; readable && i < resent->len; i++) {
        g_autofree char *key = dm_address_key(g_ptr_array_index(resent, i));
        if (!g_hash_table_contains(keys, key))
            dm_findings_fail(findings, "forward.recipient");
    }
    dm_chosen_clear(&chosen);
}

static void judge_syntax(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *from = dm_rules_text(headers, "Resent-From");
    g_autofree char *date = dm_rules_text(headers, "Resent-Date");
    g_autofree char *message_id = dm_rules_text(headers, "Resent-Message-ID");
    g_autoptr(GPtrArray) senders = from != NULL ? dm_mailbox_read_list(from) : NULL;

    if ((from != NULL && senders == NULL) || (date != NULL && !dm_rules_is_date(date)) ||
        (message_id != NULL && !dm_rules_is_message_id(message_id)))
        dm_findings_fail(findings, "forward.syntax");
}

void dm_rules_judge_forwarding(const DmHeaders *headers, DmFindings *findings)
{
    guint present = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(resent_fields); i++)
        present += dm_headers_get(headers, resent_fields[i], 0) != NULL ? 1 : 0;
    if (present == 0)
        return;
    if (present < G_N_ELEMENTS(resent_fields))
        dm_findings_fail(findings, "forward.missing");
    judge_recipient(headers, findings);
    judge_syntax(headers, findings);
}
