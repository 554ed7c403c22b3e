#include "sandbox/accounts.h"

#include "common/address.h"
#include "sandbox/json.h"

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
};

static void account_free(gpointer data)
{
    DmAccount *account = data;
    g_free(account->name);
    g_free(account->password);
    g_free(account->holder);
    g_strfreev(account->addresses);
    g_strfreev(account->domains);
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

/* Fills `account`; returns what is wrong, or NULL. */
static const char *read_account(const json_t *entry, DmAccount *account)
{
    account->name = g_strdup(dm_json_text(entry, "account", ""));
    account->password = g_strdup(dm_json_text(entry, "password", ""));
    account->holder = g_strdup(dm_json_text(entry, "holder", ""));
    if (!*account->name || !*account->password || !*account->holder)
        return "\"account\", \"password\" and \"holder\" must be texts that are not empty";
    account->addresses = dm_json_to_list(json_object_get(entry, "addresses"), ADDRESSES_MAX);
    account->domains = dm_json_to_list(json_object_get(entry, "domains"), ADDRESSES_MAX);
    if (!account->addresses || !account->domains)
        return "\"addresses\" and \"domains\" must be lists of texts";
    if (!account->addresses[0])
        return "\"addresses\" must name at least one address";
    const char *wrong = read_words(entry, account);
    return wrong ? wrong : read_limits(entry, account);
}

/* Enters the account under its name, addresses and domains; returns what is wrong, or NULL. */
static const char *enter_account(DmAccounts *accounts, DmAccount *account)
{
    g_ptr_array_add(accounts->list, account);
    if (!g_hash_table_insert(accounts->by_name, dm_address_key(account->name), account))
        return "\"account\" is there twice";
    for (gsize i = 0; account->addresses[i]; i++) {
        DmAddress address;
        gboolean plain = dm_address_parse(account->addresses[i], &address);
        if (plain)
            g_hash_table_add(accounts->demail_domains, g_strdup(address.domain));
        dm_address_clear(&address);
        if (!plain)
            return "\"addresses\" holds something that is no address";
        if (!g_hash_table_insert(accounts->by_address, dm_address_key(account->addresses[i]), account))
            return "\"addresses\" names an address that is there twice";
    }
    for (gsize i = 0; account->domains[i]; i++) {
        if (!g_hash_table_insert(accounts->by_domain, g_ascii_strdown(account->domains[i], -1), account))
            return "\"domains\" names a domain that is there twice";
        g_hash_table_add(accounts->demail_domains, g_ascii_strdown(account->domains[i], -1));
    }
    return NULL;
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
    for (gsize i = 0; i < json_array_size(list); i++) {
        DmAccount *account = g_new0(DmAccount, 1);
        const char *wrong = read_account(json_array_get(list, i), account);
        if (wrong)
            account_free(account);
        else
            wrong = enter_account(accounts, account);
        if (wrong) {
            g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: accounts[%" G_GSIZE_FORMAT "]: %s; correct this entry",
                        file, i, wrong);
            return NULL;
        }
    }
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
    if (account)
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
         is_below(address.domain, accounts->provider_domain) || is_below(address.domain, DEMAIL_TOP_DOMAIN));
    dm_address_clear(&address);
    return demail;
}
