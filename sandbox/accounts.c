#include "sandbox/accounts.h"

#include "common/address.h"
#include "sandbox/json.h"
#include "sandbox/providers.h"
#include "standard/demail_address.h"

#include <string.h>

#define ACCOUNTS_MAX         10000
#define ADDRESSES_MAX        10000
#define DEFAULT_MESSAGE_SIZE 50000000
#define DEFAULT_RECIPIENTS   1000
#define DEFAULT_QUOTA        1000000000
#define DEMAIL_TOP_DOMAIN    "de-mail.de"

struct DmAccounts {
    GPtrArray *list;
    GHashTable *by_name; /* names and addresses in lower case */
    GHashTable *by_address;
    GHashTable *by_domain;
    GHashTable *demail_domains; /* of all addresses */
    char *provider_domain;
    DmProviders *providers;
};

static void account_free(gpointer data)
{
    DmAccount *account = data;
    g_free(account->name);
    g_free(account->password);
    g_free(account->holder);
    g_strfreev(account->addresses);
    g_strfreev(account->domains);
    g_free(account->pseudonym);
    g_free(account->forward_to);
    g_free(account->redirect_to);
    g_free(account->password_expires);
    g_free(account);
}

static DmAccounts *accounts_new(const char *provider_domain)
{
    DmAccounts *accounts = g_new0(DmAccounts, 1);
    accounts->list = g_ptr_array_new_with_free_func(account_free);
    accounts->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    accounts->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    accounts->by_domain = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    accounts->demail_domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    accounts->provider_domain = g_ascii_strdown(provider_domain, -1);
    return accounts;
}

void dm_accounts_free(DmAccounts *accounts)
{
    if (!accounts)
        return;
    g_hash_table_unref(accounts->by_name);
    g_hash_table_unref(accounts->by_address);
    g_hash_table_unref(accounts->by_domain);
    g_hash_table_unref(accounts->demail_domains);
    g_ptr_array_unref(accounts->list);
    g_free(accounts->provider_domain);
    dm_providers_free(accounts->providers);
    g_free(accounts);
}

/* A missing number is `fallback`; FALSE if there is something else than a whole number from 0 up. */
static gboolean read_number(const json_t *entry, const char *key, gint64 fallback, gint64 *number)
{
    const json_t *value = json_object_get(entry, key);
    *number = value ? json_integer_value(value) : fallback;
    return (!value || json_is_integer(value)) && *number >= 0;
}

static const char *read_limits(const json_t *entry, DmAccount *account)
{
    const json_t *retrieve = json_object_get(entry, "may_request_retrieve");
    if (retrieve && !json_is_boolean(retrieve))
        return "\"may_request_retrieve\" must be true or false";
    account->may_request_retrieve = json_is_true(retrieve);
    if (!read_number(entry, "message_size", DEFAULT_MESSAGE_SIZE, &account->message_size) ||
        !read_number(entry, "recipients", DEFAULT_RECIPIENTS, &account->recipients) ||
        !read_number(entry, "quota", DEFAULT_QUOTA, &account->quota) ||
        !read_number(entry, "daily_limit", 0, &account->daily_limit))
        return "\"message_size\", \"recipients\", \"quota\" and \"daily_limit\" must be whole numbers";
    return NULL;
}

static const char *read_password(const json_t *entry, DmAccount *account)
{
    const char *expires = dm_json_text(entry, "password_expires", NULL);
    g_autoptr(GDateTime) time = expires ? g_date_time_new_from_iso8601(expires, NULL) : NULL;
    account->password = g_strdup(dm_json_text(entry, "password", ""));
    account->password_expires = g_strdup(expires);
    return !expires || time ? NULL : "\"password_expires\" must be a time such as \"2027-01-31T00:00:00Z\"";
}

static const char *read_words(const json_t *entry, DmAccount *account)
{
    const char *level = dm_json_text(entry, "auth_level", "normal");
    if (!g_str_equal(level, "normal") && !g_str_equal(level, "high"))
        return "\"auth_level\" must be \"normal\" or \"high\"";
    account->high = g_str_equal(level, "high");

    const char *state = dm_json_text(entry, "state", "open");
    if (g_str_equal(state, "closed"))
        account->state = DM_ACCOUNT_CLOSED;
    else if (g_str_equal(state, "blocked"))
        account->state = DM_ACCOUNT_BLOCKED;
    else if (!g_str_equal(state, "open"))
        return "\"state\" must be \"open\", \"closed\" or \"blocked\"";
    return NULL;
}

static const char *read_ways(const json_t *entry, DmAccount *account)
{
    const json_t *forward_private = json_object_get(entry, "forward_private");
    if (forward_private && !json_is_boolean(forward_private))
        return "\"forward_private\" must be true or false";
    account->forward_private = !json_is_false(forward_private);
    account->pseudonym = g_strdup(dm_json_text(entry, "pseudonym", NULL));
    account->forward_to = g_strdup(dm_json_text(entry, "forward_to", NULL));
    account->redirect_to = g_strdup(dm_json_text(entry, "redirect_to", NULL));
    return NULL;
}

/* Fills `account`; returns what is wrong, or NULL. */
static const char *read_account(const json_t *entry, DmAccount *account)
{
    account->name = g_strdup(dm_json_text(entry, "account", ""));
    const char *wrong = read_password(entry, account);
    account->holder = g_strdup(dm_json_text(entry, "holder", ""));
    if (!*account->name || !*account->password || !*account->holder)
        return "\"account\", \"password\" and \"holder\" must be texts that are not empty";
    account->addresses = dm_json_to_list(json_object_get(entry, "addresses"), ADDRESSES_MAX);
    account->domains = dm_json_to_list(json_object_get(entry, "domains"), ADDRESSES_MAX);
    if (!account->addresses || !account->domains)
        return "\"addresses\" and \"domains\" must be lists of texts";
    if (!account->addresses[0])
        return "\"addresses\" must name at least one address";
    if (!wrong)
        wrong = read_words(entry, account);
    if (!wrong)
        wrong = read_ways(entry, account);
    return wrong ? wrong : read_limits(entry, account);
}

/* Notes the provider of one of the account's domains; returns what is wrong, or NULL. */
static const char *enter_domain(DmAccounts *accounts, DmAccount *account, const char *domain)
{
    g_hash_table_add(accounts->demail_domains, g_strdup(domain));
    const char *provider = dm_providers_of(accounts->providers, domain);
    if (account->provider && !g_str_equal(account->provider, provider))
        return "its addresses and domains belong to several providers";
    account->provider = provider;
    return NULL;
}

static const char *enter_address(DmAccounts *accounts, DmAccount *account, const char *address)
{
    if (dm_providers_is_system(accounts->providers, address))
        return "\"addresses\" holds a system address";
    if (!dm_address_is_plain(address))
        return "\"addresses\" holds something that is no address";
    if (!g_hash_table_insert(accounts->by_address, dm_address_key(address), account))
        return "\"addresses\" names an address that is there twice";
    g_autofree char *domain = dm_address_domain(address);
    return enter_domain(accounts, account, domain);
}

/* Enters the account under its name, addresses and domains; returns what is wrong, or NULL. */
static const char *enter_account(DmAccounts *accounts, DmAccount *account)
{
    const char *wrong = NULL;
    g_ptr_array_add(accounts->list, account);
    if (!g_hash_table_insert(accounts->by_name, dm_address_key(account->name), account))
        return "\"account\" is there twice";
    for (gsize i = 0; !wrong && account->addresses[i]; i++)
        wrong = enter_address(accounts, account, account->addresses[i]);
    for (gsize i = 0; !wrong && account->domains[i]; i++) {
        g_autofree char *domain = g_ascii_strdown(account->domains[i], -1);
        if (!g_hash_table_insert(accounts->by_domain, g_strdup(domain), account))
            return "\"domains\" names a domain that is there twice";
        wrong = enter_domain(accounts, account, domain);
    }
    return wrong;
}

static gboolean fail_entry(const char *file, gsize i, const char *wrong, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: accounts[%" G_GSIZE_FORMAT "]: %s; correct this entry", file, i,
                wrong);
    return FALSE;
}

/* Where De-Mails of the accounts go on to; known only when all domains are. */
static gboolean check_ways(const DmAccounts *accounts, const char *file, GError **error)
{
    for (guint i = 0; i < accounts->list->len; i++) {
        const DmAccount *account = g_ptr_array_index(accounts->list, i);
        if ((account->forward_to && !dm_accounts_is_demail(accounts, account->forward_to)) ||
            (account->redirect_to && !dm_accounts_is_demail(accounts, account->redirect_to)))
            return fail_entry(file, i, "\"forward_to\" and \"redirect_to\" must be De-Mail addresses", error);
    }
    return TRUE;
}

static gboolean read_all(DmAccounts *accounts, const json_t *root, const char *file, GError **error)
{
    const json_t *list = json_object_get(root, "accounts");
    const char *wrong = NULL;
    accounts->providers =
        dm_providers_read(accounts->provider_domain, json_object_get(root, "other_providers"), &wrong);
    if (!accounts->providers) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: %s; correct it", file, wrong);
        return FALSE;
    }
    for (gsize i = 0; i < json_array_size(list); i++) {
        DmAccount *account = g_new0(DmAccount, 1);
        wrong = read_account(json_array_get(list, i), account);
        if (wrong)
            account_free(account);
        else
            wrong = enter_account(accounts, account);
        if (wrong)
            return fail_entry(file, i, wrong, error);
    }
    return check_ways(accounts, file, error);
}

DmAccounts *dm_accounts_load(const char *file, const char *provider_domain, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(file, &text, &length, &cause)) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "--accounts: %s; name a readable accounts file", cause->message);
        return NULL;
    }
    json_error_t where;
    g_autoptr(json_t) root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    const json_t *list = json_object_get(root, "accounts");
    if (!root) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s:%d: %s; correct the JSON", file, where.line, where.text);
        return NULL;
    }
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > ACCOUNTS_MAX) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "%s: no accounts; give {\"accounts\": [...]} with 1 to %d entries", file, ACCOUNTS_MAX);
        return NULL;
    }

    g_autoptr(DmAccounts) accounts = accounts_new(provider_domain);
    if (!read_all(accounts, root, file, error))
        return NULL;
    return g_steal_pointer(&accounts);
}

const DmAccount *dm_accounts_find(const DmAccounts *accounts, const char *name)
{
    g_autofree char *key = dm_address_key(name);
    return g_hash_table_lookup(accounts->by_name, key);
}

const DmAccount *dm_accounts_owner(const DmAccounts *accounts, const char *address)
{
    g_autofree char *key = dm_address_key(address);
    const DmAccount *account = g_hash_table_lookup(accounts->by_address, key);
    if (account || dm_accounts_is_system(accounts, address))
        return account;
    g_autofree char *domain = dm_address_domain(address);
    return domain ? g_hash_table_lookup(accounts->by_domain, domain) : NULL;
}

static gboolean is_below(const char *domain, const char *parent)
{
    gsize length = strlen(domain);
    gsize parent_length = strlen(parent);
    if (length < parent_length || !g_str_equal(domain + length - parent_length, parent))
        return FALSE;
    return length == parent_length || domain[length - parent_length - 1] == '.';
}

gboolean dm_accounts_is_demail(const DmAccounts *accounts, const char *text)
{
    DmAddress address;
    gboolean demail =
        dm_address_parse(text, &address) &&
        (g_hash_table_contains(accounts->demail_domains, address.domain) ||
         dm_providers_is_other(accounts->providers, address.domain) ||
         is_below(address.domain, accounts->provider_domain) || is_below(address.domain, DEMAIL_TOP_DOMAIN));
    dm_address_clear(&address);
    return demail;
}

const char *dm_accounts_provider(const DmAccounts *accounts, const char *address)
{
    g_autofree char *domain = dm_address_domain(address);
    return domain ? dm_providers_of(accounts->providers, domain) : accounts->provider_domain;
}

gboolean dm_accounts_is_remote(const DmAccounts *accounts, const char *address)
{
    g_autofree char *domain = dm_address_domain(address);
    return domain && dm_providers_is_other(accounts->providers, domain);
}

gboolean dm_accounts_is_system(const DmAccounts *accounts, const char *address)
{
    return dm_providers_is_system(accounts->providers, address);
}

char *dm_account_holder_of(const DmAccount *account, const char *address)
{
    if (!dm_demail_address_is_pseudonym(address))
        return g_strdup(account->holder);
    return account->pseudonym ? g_strdup(account->pseudonym) : g_strndup(address, strcspn(address, "@"));
}
