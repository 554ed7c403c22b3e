#include "ctl/check/login.h"

#include "ctl/check/finding.h"
#include "provider/drivers.h"
#include "provider/libraries.h"

static char *password_command(const DmTenantConfig *tenant)
{
    g_autofree char *file = dm_shell_word(tenant->provider->password_file);

    return g_strdup_printf("\"${EDITOR:-vi}\" %s && systemctl reload demail-poller", file);
}

static void add_failure(const DmTenantConfig *tenant, const char *problem, GPtrArray *findings)
{
    dm_check_findings_add(findings, (DmCheckFinding){.code = "provider.login",
                                                     .severity = DM_CHECK_ERROR,
                                                     .problem = g_strdup_printf("tenant %s: %s", tenant->name, problem),
                                                     .why = "nothing is sent or received for this tenant; one attempt "
                                                            "was made, and each more with a wrong password may lock "
                                                            "the account",
                                                     .command = password_command(tenant)});
}

/* One attempt. Returns the largest message. */
static gint64 log_in(const DmTenantConfig *tenant, GPtrArray *findings)
{
    g_autoptr(GError) error = NULL;
    const DmProviderDriver *driver = dm_provider_driver(tenant->provider->driver);
    DmProvider *provider = driver != NULL ? driver->open(tenant->provider, tenant->account, &error) : NULL;
    DmAccount account = {0};

    if (provider == NULL || !driver->login(provider, &error) || !driver->account(provider, &account, &error))
        add_failure(tenant, error != NULL ? error->message : "there is no such driver", findings);
    if (provider != NULL)
        driver->close(provider);
    return account.message_size_max;
}

static gboolean is_in_use(const DmTenantConfig *tenant)
{
    return tenant->direction != DM_DIRECTION_RECEIVE || tenant->poll;
}

gint64 dm_check_logins(const DmConfig *config, GPtrArray *findings)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gint64 largest = 0;

    if (!dm_provider_libraries_start(NULL))
        return 0;
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        char *account = g_strdup_printf("%s %s", tenant->provider_name, tenant->account);
        if (!g_hash_table_add(seen, account) || !is_in_use(tenant))
            continue;
        gint64 size = log_in(tenant, findings);
        largest = MAX(largest, size);
    }
    dm_provider_libraries_stop();
    return largest;
}
