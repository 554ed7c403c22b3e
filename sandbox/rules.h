/*
 * What a provider checks before it takes a draft (PVD FU 6.2, steps 12 to 28). No state is changed.
 */
#ifndef DEMAIL_SANDBOX_RULES_H
#define DEMAIL_SANDBOX_RULES_H

#include "sandbox/accounts.h"
#include "sandbox/denial.h"
#include "sandbox/draft.h"
#include "sandbox/intent.h"

/* Whether the account may send this draft at all. `high`: auth level of the session. */
gboolean dm_rules_draft(const DmAccounts *accounts, const DmAccount *account, gboolean high, const DmIntent *intent,
                        const DmDraft *draft, DmDenial *denial);

/* Whether there is such a recipient and it takes messages, as far as this provider knows: others' recipients are taken
 * on trust. On TRUE *owner is its account, NULL if that is for another provider to know. */
gboolean dm_rules_recipient(const DmAccounts *accounts, const char *recipient, const DmAccount **owner,
                            DmDenial *denial);

/* Whether there is room for `size` bytes more beside the `used` ones. */
gboolean dm_rules_room(const DmAccount *owner, gint64 used, gint64 size, DmDenial *denial);

/* Whether the account may send to one recipient more, after `sent` of today: at auth level normal there is a limit (PVD
 * FU step 26). */
gboolean dm_rules_daily(const DmAccount *account, gboolean high, gint64 sent, DmDenial *denial);

#endif
