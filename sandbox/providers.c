#include "sandbox/providers.h"

#include "common/address.h"
#include "standard/demail_address.h"

#define PROVIDERS_MAX 100
#define DOMAINS_MAX   10000

struct DmProviders {
    char *own;
    GHashTable *by_domain; /* De-Mail domain -> domain of its provider; both in lower case */
    GHashTable *names;     /* domains of all providers */
};

static const char *const system_names[] = {
    DM_SYSTEM_DISPATCH,
    DM_SYSTEM_RECEIPT,
    DM_SYSTEM_RETRIEVE,
    DM_SYSTEM_MALWARE,
    DM_SYSTEM_NOTIFICATION,
    DM_SYSTEM_IDENTIFICATION,
    DM_SYSTEM_IDENTIFICATION_NOTIFICATION,
};

/* Enters one provider; returns what is wrong, or NULL. */
static const char *enter(DmProviders *providers, const json_t *entry)
{
    const char *domain = dm_json_text(entry, "domain", "");
    g_auto(GStrv) domains = dm_json_to_list(json_object_get(entry, "domains"), DOMAINS_MAX);
    if (!*domain || !domains)
        return "\"other_providers\" must have a \"domain\" and a list \"domains\" each";
    g_autofree char *name = g_ascii_strdown(domain, -1);
    if (!g_hash_table_add(providers->names, g_strdup(name)))
        return "\"other_providers\" names a \"domain\" that is there twice";
    g_hash_table_insert(providers->by_domain, g_strdup(name), g_strdup(name));
    for (gsize i = 0; domains[i]; i++) {
        if (!g_hash_table_insert(providers->by_domain, g_ascii_strdown(domains[i], -1), g_strdup(name)))
            return "\"other_providers\" names one of \"domains\" twice";
    }
    return NULL;
}

DmProviders *dm_providers_read(const char *own_domain, const json_t *list, const char **wrong)
{
    g_autoptr(DmProviders) providers = g_new0(DmProviders, 1);
    providers->own = g_ascii_strdown(own_domain, -1);
    providers->by_domain = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    providers->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add(providers->names, g_strdup(providers->own));
    *wrong = list && (!json_is_array(list) || json_array_size(list) > PROVIDERS_MAX)
                 ? "\"other_providers\" must be a list of at most 100"
                 : NULL;
    for (gsize i = 0; !*wrong && i < json_array_size(list); i++)
        *wrong = enter(providers, json_array_get(list, i));
    return *wrong ? NULL : g_steal_pointer(&providers);
}

void dm_providers_free(DmProviders *providers)
{
    if (!providers)
        return;
    g_hash_table_unref(providers->by_domain);
    g_hash_table_unref(providers->names);
    g_free(providers->own);
    g_free(providers);
}

const char *dm_providers_of(const DmProviders *providers, const char *domain)
{
    const char *other = g_hash_table_lookup(providers->by_domain, domain);
    return other ? other : providers->own;
}

gboolean dm_providers_is_other(const DmProviders *providers, const char *domain)
{
    return g_hash_table_contains(providers->by_domain, domain);
}

gboolean dm_providers_is_system(const DmProviders *providers, const char *text)
{
    DmAddress address;
    gboolean is_system = FALSE;
    if (dm_address_parse(text, &address) && g_hash_table_contains(providers->names, address.domain)) {
        for (gsize i = 0; i < G_N_ELEMENTS(system_names); i++)
            is_system = is_system || g_ascii_strcasecmp(address.local, system_names[i]) == 0;
    }
    dm_address_clear(&address);
    return is_system;
}
