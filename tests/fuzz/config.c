/* A configuration: taken as a whole, or refused with a line for each mistake. */
#include "common/config.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

void fuzz_start(void)
{
}

static void check_tenant(const DmConfig *config, const DmTenantConfig *tenant)
{
    FUZZ_CHECK(tenant->provider != NULL && tenant->account != NULL && tenant->catch_all != NULL);
    FUZZ_CHECK(tenant->email_domains != NULL && tenant->email_domains[0] != NULL);
    FUZZ_CHECK(tenant->demail_domains != NULL && tenant->demail_domains[0] != NULL);
    FUZZ_CHECK(dm_config_tenant_by_email_domain(config, tenant->email_domains[0]) == tenant);
    FUZZ_CHECK(dm_config_tenant_by_demail_domain(config, tenant->demail_domains[0]) == tenant);
    dm_networks_contain(tenant->allowed_clients, "192.0.2.1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    g_autofree char *path = fuzz_path(fd);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmConfig) config = dm_config_load(path, problems);

    FUZZ_CHECK((config == NULL) == (problems->len > 0));
    for (guint i = 0; config == NULL && i < problems->len; i++)
        FUZZ_CHECK(g_str_has_prefix(g_ptr_array_index(problems, i), path));
    for (guint i = 0; config != NULL && i < config->tenants->len; i++)
        check_tenant(config, g_ptr_array_index(config->tenants, i));
    if (config != NULL) {
        FUZZ_CHECK(config->keep_days >= 0 && config->stamp_max_age >= 0 && config->poller.max_connections > 0);
        dm_networks_contain(config->trusted_clients, "::ffff:192.0.2.1");
    }
    close(fd);
    return 0;
}
