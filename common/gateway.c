#include "common/gateway.h"

#include "common/address.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/stamp.h"

#include <stddef.h>
#include <unistd.h>

typedef struct {
    gatomicrefcount references;
    DmGateway gateway;
} Counted;

static struct {
    GMutex lock;
    DmGateway *gateway;
} current;

typedef struct {
    DmGateway *gateway;
    guint needs;
    GPtrArray *problems;
    GError **first;
} Opening;

static Counted *counted_of(DmGateway *gateway)
{
    return (Counted *)((char *)gateway - offsetof(Counted, gateway));
}

DmGateway *dm_gateway_ref(DmGateway *gateway)
{
    g_atomic_ref_count_inc(&counted_of(gateway)->references);
    return gateway;
}

void dm_gateway_unref(DmGateway *gateway)
{
    if (gateway == NULL || !g_atomic_ref_count_dec(&counted_of(gateway)->references))
        return;
    for (guint i = 0; gateway->tenants != NULL && i < gateway->config->tenants->len; i++) {
        dm_table_free(gateway->tenants[i].senders);
        dm_table_free(gateway->tenants[i].address_map);
    }
    g_free(gateway->tenants);
    dm_table_free(gateway->demail_domains);
    dm_table_free(gateway->trust_list);
    dm_table_free(gateway->sender_logins);
    g_clear_pointer(&gateway->stamp_key, g_bytes_unref);
    if (gateway->attached_free != NULL)
        gateway->attached_free(gateway->attached);
    dm_metrics_unref(gateway->metrics);
    dm_config_unref(gateway->config);
    g_free(counted_of(gateway));
}

static void take_problem(const Opening *opening, GError *error)
{
    /* Tenants may share a table. */
    if (!g_ptr_array_find_with_equal_func(opening->problems, error->message, g_str_equal, NULL))
        g_ptr_array_add(opening->problems, g_strdup(error->message));
    if (opening->first != NULL && *opening->first == NULL)
        *opening->first = error;
    else
        g_error_free(error);
}

static DmTable *open_table(const Opening *opening, const char *spec, DmTableFlags flags)
{
    GError *error = NULL;

    if (spec[0] == '\0')
        return NULL;
    DmTable *table = dm_table_open(spec, flags, &error);
    if (table == NULL)
        take_problem(opening, error);
    return table;
}

/* Of a list that was never fetched there is no table yet. */
static DmTable *open_trust_list(const Opening *opening)
{
    g_autofree char *spec = g_strconcat("lmdb:", opening->gateway->config->state_dir, "/" DM_TRUST_LIST_NAME, NULL);

    return open_table(opening, spec, DM_TABLE_KEEP_LAST | DM_TABLE_OPTIONAL);
}

static void wipe(gpointer secret)
{
    dm_secret_free(secret, DM_SECRET_MAX);
}

static void read_stamp_key(const Opening *opening)
{
    const char *path = opening->gateway->config->stamp_key_file;
    GError *error = NULL;
    gsize length = 0;

    char *key = dm_secret_read(path, "stamp_key_file", &length, &error);
    if (key != NULL && length < DM_STAMP_KEY_MIN) {
        g_set_error(&error, DM_ERROR, DM_ERROR_CONFIG,
                    "%s: stamp_key_file is shorter than %d bytes; make one with: openssl rand -hex -out %s 32", path,
                    DM_STAMP_KEY_MIN, path);
        g_clear_pointer(&key, wipe);
    }
    if (key == NULL)
        take_problem(opening, error);
    else
        opening->gateway->stamp_key = g_bytes_new_with_free_func(key, length, wipe, key);
}

static void open_tables(const Opening *opening)
{
    DmGateway *gateway = opening->gateway;
    const DmConfig *config = gateway->config;
    gboolean policy = (opening->needs & DM_GATEWAY_POLICY) != 0;

    gateway->tenants = g_new0(DmTenantTables, config->tenants->len);
    if (policy) {
        gateway->demail_domains = open_table(opening, config->demail_domains, DM_TABLE_KEEP_LAST);
        if (config->trust_list_url[0] != '\0')
            gateway->trust_list = open_trust_list(opening);
        gateway->sender_logins = open_table(opening, config->sender_logins, DM_TABLE_DEFAULT);
    }
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        if (policy)
            gateway->tenants[i].senders = open_table(opening, tenant->senders, DM_TABLE_DEFAULT);
        gateway->tenants[i].address_map = open_table(opening, tenant->address_map, DM_TABLE_TWO_WAY);
    }
}

static gboolean check_domain_key(const char *key, const char *value, gpointer data)
{
    const Opening *opening = data;
    g_autofree char *address = g_strconcat("x@", key[0] == '.' ? key + 1 : key, NULL);

    (void)value;
    if (!dm_address_is_plain(address) || g_str_has_suffix(key, "."))
        take_problem(opening, g_error_new(DM_ERROR, DM_ERROR_CONFIG,
                                          "table %s: key %s matches no domain; write \"domain\" or \".parent\", in "
                                          "ASCII, without final dot",
                                          dm_table_file(opening->gateway->demail_domains), key));
    return TRUE;
}

/* A tenant whose De-Mail domains the table does not know would send everything meant as De-Mail to the Internet. What a
 * list may say tomorrow does not count. */
static void check_domains(const Opening *opening)
{
    const DmGateway *gateway = opening->gateway;
    g_autoptr(GError) error = NULL;
    g_auto(DmDomains) domains = {NULL, NULL, NULL};

    if (!dm_domains_read(&domains, gateway->demail_domains, NULL, gateway->config, &error) ||
        !dm_table_foreach(domains.table, check_domain_key, (gpointer)opening, &error)) {
        take_problem(opening, g_steal_pointer(&error));
        return;
    }
    for (guint i = 0; i < gateway->config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(gateway->config->tenants, i);
        for (char **domain = tenant->demail_domains; *domain != NULL; domain++) {
            g_autofree char *address = g_strconcat("x@", *domain, NULL);
            DmRecipientKind kind = DM_RECIPIENT_ORDINARY;
            if (!dm_recipient_kind(address, &domains, gateway->config->divert_domain, &kind, NULL, &error) ||
                kind == DM_RECIPIENT_DEMAIL)
                continue;
            take_problem(opening, g_error_new(DM_ERROR, DM_ERROR_CONFIG,
                                              "%s: [tenant %s] demail_domains: %s is not in the table %s; add it there",
                                              gateway->config->file, tenant->name, *domain,
                                              dm_table_file(gateway->demail_domains)));
        }
    }
}

DmGateway *dm_gateway_open(const char *config_file, guint needs, GPtrArray *problems, GError **first)
{
    guint before = problems->len;
    DmConfig *config = dm_config_load(config_file, problems);

    if (config == NULL) {
        DmError code = access(config_file, R_OK) == 0 ? DM_ERROR_CONFIG : DM_ERROR_NOINPUT;
        g_set_error_literal(first, DM_ERROR, (gint)code, g_ptr_array_index(problems, before));
        return NULL;
    }
    Counted *counted = g_new0(Counted, 1);
    g_atomic_ref_count_init(&counted->references);
    g_autoptr(DmGateway) gateway = &counted->gateway;
    gateway->config = config;
    g_autoptr(DmGateway) before_this = dm_gateway_current();
    gateway->metrics = before_this != NULL ? dm_metrics_ref(before_this->metrics) : dm_metrics_new();
    const Opening opening = {gateway, needs, problems, first};
    open_tables(&opening);
    if ((needs & DM_GATEWAY_STAMP) != 0)
        read_stamp_key(&opening);
    if (gateway->demail_domains != NULL)
        check_domains(&opening);
    return problems->len == before ? g_steal_pointer(&gateway) : NULL;
}

const DmTenantTables *dm_gateway_tenant_tables(const DmGateway *gateway, const DmTenantConfig *tenant)
{
    for (guint i = 0; i < gateway->config->tenants->len; i++) {
        if (g_ptr_array_index(gateway->config->tenants, i) == tenant)
            return &gateway->tenants[i];
    }
    return NULL;
}

DmGateway *dm_gateway_current(void)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&current.lock);

    return current.gateway != NULL ? dm_gateway_ref(current.gateway) : NULL;
}

void dm_gateway_set_current(DmGateway *gateway)
{
    DmGateway *old = NULL;

    g_mutex_lock(&current.lock);
    old = current.gateway;
    current.gateway = gateway != NULL ? dm_gateway_ref(gateway) : NULL;
    g_mutex_unlock(&current.lock);
    dm_gateway_unref(old);
}

gboolean dm_gateway_reload(guint needs, DmGatewayCheck check)
{
    g_autoptr(DmGateway) old = dm_gateway_current();
    if (old == NULL)
        return FALSE; /* the program is ending */

    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmGateway) gateway = dm_gateway_open(old->config->file, needs, problems, NULL);

    if (gateway == NULL || (check != NULL && !check(gateway, problems))) {
        for (guint i = 0; i < problems->len; i++)
            dm_log(DM_LOG_ERROR, "reload-refused", DM_S("reason", g_ptr_array_index(problems, i)),
                   DM_S("effect", "the old configuration stays in force"));
        return FALSE;
    }
    dm_gateway_set_current(gateway);
    dm_log(DM_LOG_INFO, "reloaded", DM_S("file", gateway->config->file));
    return TRUE;
}
