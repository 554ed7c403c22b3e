#include "sandbox/rules.h"

#include "standard/demail_address.h"

static gboolean check_format(const DmAccounts *accounts, const DmDraft *draft, DmDenial *denial)
{
    const char *from = dm_headers_get(draft->headers, "From", 0);
    g_autoptr(GPtrArray) authors = from ? dm_header_mailboxes(from, NULL) : NULL;
    if (!authors || authors->len == 0)
        return dm_deny(denial, "invalid-format", "the draft has no readable From");
    const char *reply_to = dm_headers_get(draft->headers, "Reply-To", 0);
    gboolean clean = TRUE;
    g_autoptr(GPtrArray) replies = reply_to ? dm_header_mailboxes(reply_to, &clean) : NULL;
    if (!clean || (replies && replies->len == 0))
        return dm_deny(denial, "invalid-format", "Reply-To is no address");
    for (guint i = 0; replies && i < replies->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(replies, i);
        if (!dm_accounts_is_demail(accounts, mailbox->address))
            return dm_deny(denial, "invalid-format", "Reply-To is no De-Mail address");
    }
    return TRUE;
}

static gboolean check_options(const DmAccount *account, gboolean high, const DmIntent *intent, DmDenial *denial)
{
    const guint need_high = DM_OPTION_PRIVATE | DM_OPTION_AUTHORITATIVE | DM_OPTION_RETRIEVE;
    if ((intent->options & need_high) && !high)
        return dm_deny(denial, "option-needs-high",
                       "private, authoritative and retrieve need a login at auth level high");
    if ((intent->options & DM_OPTION_AUTHORITATIVE) && dm_demail_address_is_pseudonym(intent->sender))
        return dm_deny(denial, "authoritative-with-pseudonym",
                       "a pseudonym address can't send with the option authoritative");
    if ((intent->options & DM_OPTION_RETRIEVE) && !account->may_request_retrieve)
        return dm_deny(denial, "retrieve-not-permitted", "this account may not ask for a confirmation of retrieve");
    return TRUE;
}

gboolean dm_rules_draft(const DmAccounts *accounts, const DmAccount *account, gboolean high, const DmIntent *intent,
                        const DmDraft *draft, DmDenial *denial)
{
    if (!dm_accounts_is_demail(accounts, intent->sender) || dm_accounts_owner(accounts, intent->sender) != account)
        return dm_deny(denial, "sender-not-yours", "%s is no address of this account", intent->sender);
    if (draft->size > account->message_size)
        return dm_deny(denial, "too-large", "the draft has %" G_GINT64_FORMAT " bytes, the limit is %" G_GINT64_FORMAT,
                       draft->size, account->message_size);
    return check_format(accounts, draft, denial) && check_options(account, high, intent, denial);
}

gboolean dm_rules_recipient(const DmAccounts *accounts, const char *recipient, const DmAccount **owner,
                            DmDenial *denial)
{
    if (!dm_accounts_is_demail(accounts, recipient))
        return dm_deny(denial, "recipient-not-demail", "%s is no De-Mail address", recipient);
    *owner = NULL;
    if (dm_accounts_is_system(accounts, recipient))
        return dm_deny(denial, "unknown-recipient", "%s is a system address, nobody reads it", recipient);
    if (dm_accounts_is_remote(accounts, recipient))
        return TRUE;
    *owner = dm_accounts_owner(accounts, recipient);
    if (!*owner)
        return dm_deny(denial, "unknown-recipient", "%s is not known", recipient);
    if ((*owner)->redirect_to)
        return TRUE;
    switch ((*owner)->state) {
    case DM_ACCOUNT_OPEN:
        break;
    case DM_ACCOUNT_CLOSED:
        return dm_deny(denial, "closed-account", "the account of %s is closed", recipient);
    case DM_ACCOUNT_BLOCKED:
        return dm_deny(denial, "blocked-account", "the account of %s is blocked", recipient);
    }
    return TRUE;
}

gboolean dm_rules_room(const DmAccount *owner, gint64 used, gint64 size, DmDenial *denial)
{
    if (used + size > owner->quota)
        return dm_defer(denial, "mailbox-full", "the mailbox of the recipient is full");
    return TRUE;
}

gboolean dm_rules_daily(const DmAccount *account, gboolean high, gint64 sent, DmDenial *denial)
{
    if (!high && account->daily_limit > 0 && sent >= account->daily_limit)
        return dm_defer(denial, "daily-limit", "the limit of %" G_GINT64_FORMAT " recipients a day is reached",
                        account->daily_limit);
    return TRUE;
}
