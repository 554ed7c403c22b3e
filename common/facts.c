#include "common/facts.h"

#include "common/domains.h"
#include "common/expiry.h"
#include "common/postmap.h"

#include <string.h>
#include <sys/stat.h>

static gint64 file_time(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (gint64)info.st_mtim.tv_sec : 0;
}

static void table_free(gpointer data)
{
    DmTableFacts *table = data;

    g_free(table->source);
    g_free(table);
}

static gboolean is_newer(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
    return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* `spec` as in the configuration: "lmdb:FILE" or "texthash:FILE". */
static void add_table(DmFacts *facts, const char *spec)
{
    const char *colon = strchr(spec, ':');
    struct stat source;
    struct stat compiled;

    for (guint i = 0; colon != NULL && i < facts->tables->len; i++) {
        if (g_str_equal(((const DmTableFacts *)g_ptr_array_index(facts->tables, i))->source, colon + 1))
            return;
    }
    if (colon == NULL)
        return;

    DmTableFacts *table = g_new0(DmTableFacts, 1);
    g_ptr_array_add(facts->tables, table);
    table->source = g_strdup(colon + 1);
    table->compiled = g_str_has_prefix(spec, "lmdb:");
    g_autofree char *file = g_strconcat(table->source, table->compiled ? DM_POSTMAP_SUFFIX : "", NULL);
    table->missing = stat(file, &compiled) != 0;
    if (table->missing)
        return;
    table->time = (gint64)compiled.st_mtim.tv_sec;
    table->stale = stat(table->source, &source) == 0 && is_newer(&source, &compiled);
}

static void add_provider(DmFacts *facts, const DmProviderConfig *provider)
{
    DmProviderFacts *of = g_new0(DmProviderFacts, 1);

    g_ptr_array_add(facts->providers, of);
    of->name = provider->name;
    of->client_cert = provider->client_cert;
    of->certificate_end = dm_expiry_of_certificate(provider->client_cert);
    of->send_until = provider->send_until;
    of->receive_until = provider->receive_until;
}

static void add_tenant(DmFacts *facts, const DmTenantConfig *tenant, gint64 now)
{
    DmTenantFacts *of = g_new0(DmTenantFacts, 1);
    gint64 end = tenant->provider->receive_until;

    g_ptr_array_add(facts->tenants, of);
    of->name = tenant->name;
    of->provider = tenant->provider->name;
    of->account = tenant->account;
    of->polled = tenant->poll && tenant->direction != DM_DIRECTION_SEND && (end == 0 || now < end);
    of->poll_interval = tenant->provider->poll_interval;
    add_table(facts, tenant->senders);
    add_table(facts, tenant->address_map);
}

DmFacts *dm_facts_new(DmConfig *config, gint64 now)
{
    DmFacts *facts = g_new0(DmFacts, 1);

    facts->config = dm_config_ref(config);
    facts->providers = g_ptr_array_new_with_free_func(g_free);
    facts->tenants = g_ptr_array_new_with_free_func(g_free);
    facts->tables = g_ptr_array_new_with_free_func(table_free);
    facts->crls = g_ptr_array_new_with_free_func(g_free);
    add_table(facts, config->demail_domains);
    add_table(facts, config->sender_logins);
    for (guint i = 0; i < config->providers->len; i++)
        add_provider(facts, g_ptr_array_index(config->providers, i));
    for (guint i = 0; i < config->tenants->len; i++)
        add_tenant(facts, g_ptr_array_index(config->tenants, i), now);
    for (char **file = config->crl_files; *file != NULL; file++) {
        DmCrlFacts *crl = g_new0(DmCrlFacts, 1);
        *crl = (DmCrlFacts){*file, dm_expiry_of_crl(*file)};
        g_ptr_array_add(facts->crls, crl);
    }
    if (config->trust_list_url[0] != '\0') {
        g_autofree char *path = g_strconcat(config->state_dir, "/" DM_TRUST_LIST_NAME ".xml", NULL);
        facts->trust_list = file_time(path);
    }
    return facts;
}

void dm_facts_free(DmFacts *facts)
{
    if (facts == NULL)
        return;
    g_ptr_array_unref(facts->providers);
    g_ptr_array_unref(facts->tenants);
    g_ptr_array_unref(facts->tables);
    g_ptr_array_unref(facts->crls);
    dm_config_unref(facts->config);
    g_free(facts);
}

DmTenantFacts *dm_facts_tenant(const DmFacts *facts, const char *name)
{
    for (guint i = 0; i < facts->tenants->len; i++) {
        DmTenantFacts *tenant = g_ptr_array_index(facts->tenants, i);
        if (g_str_equal(tenant->name, name))
            return tenant;
    }
    return NULL;
}

typedef struct {
    DmFacts *facts;
    DmTenantFacts *tenant;
    DmJournal *journal;
} Reading;

static void take_older(gint64 *oldest, gint64 time)
{
    if (time != 0 && (*oldest == 0 || time < *oldest))
        *oldest = time;
}

static gboolean add_open(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Reading *reading = data;
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(reading->journal, entry->gateway_id, error);

    if (recipients == NULL)
        return FALSE;
    for (guint i = 0; i < recipients->len; i++) {
        const DmSent *sent = &((const DmSentRecipient *)g_ptr_array_index(recipients, i))->sent;
        if (!dm_sent_state_is_open(sent->state))
            continue;
        take_older(&reading->facts->open_since, sent->time);
        reading->facts->unknown += sent->state == DM_SENT_UNKNOWN ? 1U : 0U;
        reading->facts->submitting += sent->state == DM_SENT_UNKNOWN ? 0U : 1U;
    }
    return TRUE;
}

static gboolean add_unacknowledged(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Reading *reading = data;
    DmReceived received = {0};
    gboolean found = FALSE;

    gboolean good =
        dm_journal_get_received(reading->journal, entry->tenant, entry->provider_id, &received, &found, error);
    if (good && found)
        take_older(&reading->tenant->unacknowledged, received.fetched != 0 ? received.fetched : received.time);
    dm_received_clear(&received);
    return good;
}

gboolean dm_facts_add_journal(DmFacts *facts, DmJournal *journal, GError **error)
{
    Reading reading = {facts, NULL, journal};

    if (!dm_journal_list_open(journal, add_open, &reading, error))
        return FALSE;
    for (guint i = 0; i < facts->tenants->len; i++) {
        reading.tenant = g_ptr_array_index(facts->tenants, i);
        if (!dm_journal_list_unacknowledged(journal, reading.tenant->name, add_unacknowledged, &reading, error))
            return FALSE;
    }
    return TRUE;
}
