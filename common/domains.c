#include "common/domains.h"

#include <string.h>

typedef struct {
    char *key;
    char *value; /* NULL: no entry */
} Hit;

static void clear_hit(Hit *hit)
{
    g_free(hit->key);
    g_free(hit->value);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Hit, clear_hit)

gboolean dm_domains_read(DmDomains *domains, DmTable *table, DmTable *list, const DmConfig *config, GError **error)
{
    *domains = (DmDomains){dm_table_read(table, error), NULL, config};
    if (domains->table == NULL || list == NULL)
        return domains->table != NULL;
    domains->list = dm_table_read(list, error);
    return domains->list != NULL;
}

void dm_domains_clear(DmDomains *domains)
{
    g_clear_pointer(&domains->table, dm_table_reader_free);
    g_clear_pointer(&domains->list, dm_table_reader_free);
}

static gboolean find(DmTableReader *reader, const char *domain, Hit *hit, GError **error)
{
    return reader == NULL ||
           dm_table_find(reader, domain, DM_FIND_DOMAIN | DM_FIND_PARENTS, NULL, &hit->value, &hit->key, error);
}

/* How much of the domain the entry names; 0 without one. */
static gsize reach(const Hit *hit)
{
    return hit->value != NULL ? strlen(hit->key) : 0;
}

gboolean dm_domains_judge(const DmDomains *domains, const char *domain, DmDomainKind *kind, char **entry,
                          GError **error)
{
    g_auto(Hit) own = {NULL, NULL}, listed = {NULL, NULL};

    *kind = DM_DOMAIN_EMAIL;
    if (entry != NULL)
        *entry = NULL;
    if (!find(domains->table, domain, &own, error) || !find(domains->list, domain, &listed, error))
        return FALSE;

    gboolean excluded = own.value != NULL && g_ascii_strcasecmp(own.value, "no") == 0;
    gboolean by_list =
        !excluded && reach(&listed) > reach(&own) && dm_config_tenant_by_email_domain(domains->config, domain) == NULL;
    if (by_list)
        *kind = strcmp(listed.value, DM_TRUST_LIST_ACTIVE) == 0 ? DM_DOMAIN_DEMAIL : DM_DOMAIN_INACTIVE;
    else if (own.value != NULL && !excluded)
        *kind = DM_DOMAIN_DEMAIL;
    if (entry != NULL && (by_list || own.value != NULL))
        *entry = by_list ? g_strdup_printf("trust list entry %s, %s", listed.key, listed.value)
                         : g_strdup_printf("demail_domains entry %s", own.key);
    return TRUE;
}
