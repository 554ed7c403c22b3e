/*
 * The accounts of the sandbox, from a JSON file: who may log in, which addresses are whose, and what each may do.
 *
 * Read once, never changed, so everything here may be used from any thread. Sizes are bytes.
 */
#ifndef DEMAIL_SANDBOX_ACCOUNTS_H
#define DEMAIL_SANDBOX_ACCOUNTS_H

#include "common/error.h"

#include <glib.h>

typedef enum { DM_ACCOUNT_OPEN, DM_ACCOUNT_CLOSED, DM_ACCOUNT_BLOCKED } DmAccountState;

typedef struct {
    char *name; /* what one logs in with */
    char *password;
    char *holder;     /* UTF-8 */
    char **addresses; /* as written */
    char **domains;   /* every address in them belongs to the account; empty for citizens */
    gboolean high;    /* auth level of its logins */
    gboolean may_request_retrieve;
    gint64 message_size;
    gint64 recipients; /* of one submission */
    gint64 quota;
    char *password_expires; /* as GET /account tells it, ISO 8601 with its zone; NULL: never. Only told. */
    gint64 daily_limit;     /* accepted recipients per day at auth level normal; 0: no limit */
    DmAccountState state;
    char *pseudonym;          /* UTF-8: holder of its addresses pn_…; NULL: their local part */
    char *forward_to;         /* De-Mail address that gets copies; NULL: none */
    gboolean forward_private; /* also of private De-Mails */
    char *redirect_to;        /* De-Mail address that gets everything instead; NULL: none */
    const char *provider;     /* domain of its provider */
} DmAccount;

typedef struct DmAccounts DmAccounts;

/* DM_ERROR_NOINPUT if `file` can't be read, DM_ERROR_CONFIG names the entry that is wrong. `provider_domain` is De-Mail
 * beside the domains of the accounts and de-mail.de. */
DmAccounts *dm_accounts_load(const char *file, const char *provider_domain, GError **error);
void dm_accounts_free(DmAccounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAccounts, dm_accounts_free)

/* The account with this name; NULL if there is none. */
const DmAccount *dm_accounts_find(const DmAccounts *accounts, const char *name);

/* The account that the address belongs to, by address or by domain; NULL if there is none, as for system addresses. */
const DmAccount *dm_accounts_owner(const DmAccounts *accounts, const char *address);

/* The domain of the address's provider. Others than the own one are played by the sandbox, too: what they know of their
 * addresses is learnt only when a De-Mail has arrived there. */
const char *dm_accounts_provider(const DmAccounts *accounts, const char *address);
gboolean dm_accounts_is_remote(const DmAccounts *accounts, const char *address);

/* True if only providers write from the address (PVD FU 4.3). */
gboolean dm_accounts_is_system(const DmAccounts *accounts, const char *address);

/* What X-de-mail-account-holder says about the address (PVD IO 3.1.19). Free with g_free(). */
char *dm_account_holder_of(const DmAccount *account, const char *address);

/* True if the address is a plain one in a De-Mail domain, whether anybody owns it or not. */
gboolean dm_accounts_is_demail(const DmAccounts *accounts, const char *address);

#endif
