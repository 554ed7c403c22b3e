#include "standard/rules.h"

#include "common/address.h"
#include "common/demail.h"
#include "standard/demail_address.h"
#include "standard/mailbox.h"
#include "standard/recipients.h"

#include <string.h>

static void judge_list(const GPtrArray *addresses, DmFindings *findings)
{
    for (guint i = 0; i < addresses->len; i++)
        dm_demail_address_judge(g_ptr_array_index(addresses, i), findings);
}

void dm_rules_judge_sender_address(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, DM_FIELD_SENDER);
    g_autofree char *address = text != NULL ? dm_mailbox_read_address(text) : NULL;

    if (address != NULL)
        dm_demail_address_judge(address, findings);
    else if (text != NULL)
        dm_findings_fail(findings, "address.syntax");
}

void dm_rules_judge_recipients(const DmHeaders *headers, const char *name, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, name);
    DmChosen chosen;

    if (text == NULL)
        return;
    dm_recipients_read(text, &chosen, findings);
    judge_list(chosen.to, findings);
    judge_list(chosen.cc, findings);
    judge_list(chosen.bcc, findings);
    dm_chosen_clear(&chosen);
}

/* A field of RFC 2822, or Envelope-to (PVD IO 3.1.22), that holds De-Mail addresses. */
static void judge_mailboxes(const DmHeaders *headers, const char *name, DmFindings *findings)
{
    g_autofree char *text = dm_rules_text(headers, name);
    g_autoptr(GPtrArray) addresses = text != NULL ? dm_mailbox_read_list(text) : NULL;

    if (addresses != NULL)
        judge_list(addresses, findings);
    else if (text != NULL)
        dm_findings_fail(findings, "address.syntax");
}

static void compare_from(const DmHeaders *headers, DmFindings *findings)
{
    g_autofree char *from_text = dm_rules_text(headers, "From");
    g_autofree char *sender_text = dm_rules_text(headers, DM_FIELD_SENDER);
    g_autoptr(GPtrArray) from = from_text != NULL ? dm_mailbox_read_list(from_text) : NULL;
    g_autofree char *sender = sender_text != NULL ? dm_mailbox_read_address(sender_text) : NULL;

    if (from == NULL || sender_text == NULL)
        return;
    for (guint i = 0; i < from->len; i++) {
        if (sender == NULL || !dm_address_equal(g_ptr_array_index(from, i), sender))
            dm_findings_warn(findings, "sender.from-differs");
    }
}

void dm_rules_judge_addresses(const DmHeaders *headers, DmFindings *findings)
{
    judge_mailboxes(headers, "From", findings);
    judge_mailboxes(headers, "Reply-To", findings);
    judge_mailboxes(headers, "Envelope-to", findings);
    dm_rules_judge_sender_address(headers, findings);
    compare_from(headers, findings);
    dm_rules_judge_recipients(headers, DM_FIELD_CHOSEN_RECIPIENT, findings);
    dm_rules_judge_recipients(headers, DM_FIELD_ACTUAL_RECIPIENT, findings);
}
