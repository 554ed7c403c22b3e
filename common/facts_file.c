#include "common/facts_file.h"

#include "common/metrics_file.h"

#include <stddef.h>
#include <string.h>

#define MODE 0640

/* The numbers of a tenant that are kept. */
static const struct {
    const char *key;
    gsize offset;
} numbers[] = {
    {"last_poll", offsetof(DmTenantFacts, last_poll)},
    {"polled_since", offsetof(DmTenantFacts, polled_since)},
    {"password_expires", offsetof(DmTenantFacts, password_expires)},
    {"quota_used", offsetof(DmTenantFacts, quota_used)},
    {"quota_total", offsetof(DmTenantFacts, quota_total)},
    {"unacknowledged", offsetof(DmTenantFacts, unacknowledged)},
};

static gint64 *number_of(DmTenantFacts *tenant, gsize offset)
{
    return (gint64 *)(gpointer)((char *)tenant + offset);
}

static char *path_of(const DmFacts *facts)
{
    return g_build_filename(facts->config->state_dir, DM_FACTS_FILE, NULL);
}

gboolean dm_facts_save(const DmFacts *facts, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *path = path_of(facts);
    gsize length = 0;

    for (guint i = 0; i < facts->tenants->len; i++) {
        DmTenantFacts *tenant = g_ptr_array_index(facts->tenants, i);
        for (gsize j = 0; j < G_N_ELEMENTS(numbers); j++)
            g_key_file_set_int64(file, tenant->name, numbers[j].key, *number_of(tenant, numbers[j].offset));
        if (tenant->state != DM_PROVIDER_UNTRIED)
            g_key_file_set_boolean(file, tenant->name, "provider_up", tenant->state == DM_PROVIDER_UP);
    }
    g_autofree char *text = g_key_file_to_data(file, &length, NULL);
    return dm_metrics_file_replace(path, text, length, MODE, NULL, error);
}

void dm_facts_load(DmFacts *facts)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *path = path_of(facts);

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
        return;
    for (guint i = 0; i < facts->tenants->len; i++) {
        DmTenantFacts *tenant = g_ptr_array_index(facts->tenants, i);
        for (gsize j = 0; j < G_N_ELEMENTS(numbers); j++)
            *number_of(tenant, numbers[j].offset) = g_key_file_get_int64(file, tenant->name, numbers[j].key, NULL);
        if (g_key_file_has_key(file, tenant->name, "provider_up", NULL))
            tenant->state =
                g_key_file_get_boolean(file, tenant->name, "provider_up", NULL) ? DM_PROVIDER_UP : DM_PROVIDER_DOWN;
    }
}
