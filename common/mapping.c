#include "common/mapping.h"

#include "common/address.h"

#include <string.h>

/* The partner of `domain` (in `from`) in `to`: the one at the same position, else the first. NULL: not in `from`. */
static const char *partner(char *const *from, char *const *to, const char *domain)
{
    guint partners = g_strv_length((char **)to);

    for (guint i = 0; from[i] != NULL; i++) {
        if (strcmp(from[i], domain) == 0)
            return i < partners ? to[i] : to[0];
    }
    return NULL;
}

/* local@domain in lower case, the extension dropped, with its domain exchanged; NULL if the domain has no partner. */
static char *exchange_domain(const char *address, char *const *from, char *const *to, const char *delimiter)
{
    DmAddress parsed;
    char *result = NULL;

    if (!dm_address_parse(address, &parsed))
        return NULL;
    const char *domain = partner(from, to, parsed.domain);
    if (domain != NULL) {
        gsize base = strcspn(parsed.local, delimiter);
        g_autofree char *local = g_ascii_strdown(parsed.local, base > 0 ? (gssize)base : -1);
        result = g_strconcat(local, "@", domain, NULL);
    }
    dm_address_clear(&parsed);
    return result;
}

gboolean dm_map_read(const DmGateway *gateway, const DmTenantConfig *tenant, DmTableReader **map, GError **error)
{
    DmTable *table = dm_gateway_tenant_tables(gateway, tenant)->address_map;

    *map = table != NULL ? dm_table_read(table, error) : NULL;
    return table == NULL || *map != NULL;
}

gboolean dm_map_to_demail(const DmGateway *gateway, const DmTenantConfig *tenant, const char *email, char **demail,
                          GError **error)
{
    const char *delimiter = gateway->config->recipient_delimiter;
    g_autofree char *key = dm_address_key(email);
    g_autoptr(DmTableReader) map = NULL;

    *demail = NULL;
    if (!dm_map_read(gateway, tenant, &map, error))
        return FALSE;
    if (map != NULL) {
        g_autofree char *value = NULL;
        if (!dm_table_find(map, key, DM_FIND_ADDRESS, delimiter, &value, NULL, error))
            return FALSE;
        if (value != NULL) {
            *demail = g_ascii_strdown(value, -1);
            return TRUE;
        }
    }
    *demail = exchange_domain(key, tenant->email_domains, tenant->demail_domains, delimiter);
    return TRUE;
}

gboolean dm_map_to_email_in(DmTableReader *map, const DmTenantConfig *tenant, const char *demail, char **email,
                            GError **error)
{
    g_autofree char *key = dm_address_key(demail);

    *email = NULL;
    if (map != NULL && !dm_table_get_back(map, key, email, error))
        return FALSE;
    if (*email == NULL)
        *email = exchange_domain(key, tenant->demail_domains, tenant->email_domains, "");
    return TRUE;
}

gboolean dm_map_to_email(const DmGateway *gateway, const DmTenantConfig *tenant, const char *demail, char **email,
                         GError **error)
{
    g_autoptr(DmTableReader) map = NULL;

    *email = NULL;
    return dm_map_read(gateway, tenant, &map, error) && dm_map_to_email_in(map, tenant, demail, email, error);
}
