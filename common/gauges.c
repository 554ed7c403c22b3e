#include "common/gauges.h"

#include "common/exposition.h"

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct {
    GString *text;
    gint64 now;
} Writing;

/* What every family of tenants, or of providers, tells of each. FALSE: it is not known. */
typedef gboolean (*TenantValue)(const Writing *writing, const DmTenantFacts *tenant, gint64 *value);
typedef gint64 (*ProviderEnd)(const DmProviderFacts *provider);

static gboolean last_poll(const Writing *writing, const DmTenantFacts *tenant, gint64 *value)
{
    (void)writing;
    *value = tenant->last_poll;
    return tenant->last_poll != 0;
}

static gboolean unacknowledged_age(const Writing *writing, const DmTenantFacts *tenant, gint64 *value)
{
    *value = tenant->unacknowledged != 0 ? MAX(writing->now - tenant->unacknowledged, 0) : 0;
    return tenant->polled || tenant->unacknowledged != 0;
}

static gboolean quota_used(const Writing *writing, const DmTenantFacts *tenant, gint64 *value)
{
    (void)writing;
    *value = tenant->quota_used;
    return tenant->quota_total > 0;
}

static gboolean quota(const Writing *writing, const DmTenantFacts *tenant, gint64 *value)
{
    (void)writing;
    *value = tenant->quota_total;
    return tenant->quota_total > 0;
}

static gboolean password_remaining(const Writing *writing, const DmTenantFacts *tenant, gint64 *value)
{
    *value = tenant->password_expires - writing->now;
    return tenant->password_expires != 0;
}

static void append_tenants(const Writing *writing, const DmFacts *facts, const DmMetricFamily *family, TenantValue of)
{
    dm_exposition_begin(writing->text, family);
    for (guint i = 0; i < facts->tenants->len; i++) {
        const DmTenantFacts *tenant = g_ptr_array_index(facts->tenants, i);
        gint64 value = 0;
        if (of(writing, tenant, &value))
            dm_exposition_add(writing->text, family, VALUES(tenant->name), value);
    }
}

static void append_provider_up(const Writing *writing, const DmFacts *facts)
{
    dm_exposition_begin(writing->text, &dm_metric_provider_up);
    for (guint i = 0; i < facts->tenants->len; i++) {
        const DmTenantFacts *tenant = g_ptr_array_index(facts->tenants, i);
        if (tenant->state != DM_PROVIDER_UNTRIED)
            dm_exposition_add(writing->text, &dm_metric_provider_up, VALUES(tenant->provider, tenant->name),
                              tenant->state == DM_PROVIDER_UP);
    }
}

static gint64 certificate_end(const DmProviderFacts *provider)
{
    return provider->certificate_end;
}

static gint64 send_until(const DmProviderFacts *provider)
{
    return provider->send_until;
}

static gint64 receive_until(const DmProviderFacts *provider)
{
    return provider->receive_until;
}

static void append_ends(const Writing *writing, const DmFacts *facts, const DmMetricFamily *family, ProviderEnd of)
{
    dm_exposition_begin(writing->text, family);
    for (guint i = 0; i < facts->providers->len; i++) {
        const DmProviderFacts *provider = g_ptr_array_index(facts->providers, i);
        if (of(provider) != 0)
            dm_exposition_add(writing->text, family, VALUES(provider->name), of(provider) - writing->now);
    }
}

static void append_open(const Writing *writing, const DmFacts *facts)
{
    dm_exposition_begin(writing->text, &dm_metric_open_age);
    dm_exposition_add(writing->text, &dm_metric_open_age, NULL,
                      facts->open_since != 0 ? MAX(writing->now - facts->open_since, 0) : 0);
    dm_exposition_begin(writing->text, &dm_metric_open_recipients);
    dm_exposition_add(writing->text, &dm_metric_open_recipients, VALUES("submitting"), facts->submitting);
    dm_exposition_add(writing->text, &dm_metric_open_recipients, VALUES("unknown"), facts->unknown);
}

static void append_tables(const Writing *writing, const DmFacts *facts)
{
    dm_exposition_begin(writing->text, &dm_metric_table_age);
    for (guint i = 0; i < facts->tables->len; i++) {
        const DmTableFacts *table = g_ptr_array_index(facts->tables, i);
        if (!table->missing)
            dm_exposition_add(writing->text, &dm_metric_table_age, VALUES(table->source),
                              MAX(writing->now - table->time, 0));
    }
    dm_exposition_begin(writing->text, &dm_metric_table_stale);
    for (guint i = 0; i < facts->tables->len; i++) {
        const DmTableFacts *table = g_ptr_array_index(facts->tables, i);
        dm_exposition_add(writing->text, &dm_metric_table_stale, VALUES(table->source), table->missing || table->stale);
    }
}

static void append_trust(const Writing *writing, const DmFacts *facts)
{
    dm_exposition_begin(writing->text, &dm_metric_trust_list_age);
    if (facts->trust_list != 0)
        dm_exposition_add(writing->text, &dm_metric_trust_list_age, NULL, MAX(writing->now - facts->trust_list, 0));
    dm_exposition_begin(writing->text, &dm_metric_crl_remaining);
    for (guint i = 0; i < facts->crls->len; i++) {
        const DmCrlFacts *crl = g_ptr_array_index(facts->crls, i);
        if (crl->next_update != 0)
            dm_exposition_add(writing->text, &dm_metric_crl_remaining, VALUES(crl->file),
                              crl->next_update - writing->now);
    }
}

void dm_gauges_append(GString *text, const DmFacts *facts, const GPtrArray *warnings, gint64 now)
{
    const Writing writing = {text, now};

    append_provider_up(&writing, facts);
    append_tenants(&writing, facts, &dm_metric_last_poll, last_poll);
    append_tenants(&writing, facts, &dm_metric_unacknowledged_age, unacknowledged_age);
    append_open(&writing, facts);
    append_tenants(&writing, facts, &dm_metric_quota_used, quota_used);
    append_tenants(&writing, facts, &dm_metric_quota, quota);
    append_tenants(&writing, facts, &dm_metric_password_remaining, password_remaining);
    append_ends(&writing, facts, &dm_metric_certificate_remaining, certificate_end);
    append_ends(&writing, facts, &dm_metric_send_remaining, send_until);
    append_ends(&writing, facts, &dm_metric_receive_remaining, receive_until);
    append_tables(&writing, facts);
    append_trust(&writing, facts);
    dm_exposition_begin(text, &dm_metric_warning);
    for (guint i = 0; i < warnings->len; i++) {
        const DmWarning *warning = g_ptr_array_index(warnings, i);
        dm_exposition_add(text, &dm_metric_warning, VALUES(warning->kind, warning->subject), 1);
    }
}
