#include "poller/archive_settle.h"

#include "common/log.h"
#include "poller/evidence.h"

static gboolean look_up(const char *gateway_id, const char *recipient, DmSent *sent, gpointer data, GError **error)
{
    gboolean found;

    return dm_journal_get_sent(data, gateway_id, recipient, sent, &found, error);
}

static void complain(const char *tenant, const GError *error)
{
    dm_log(DM_LOG_ERROR, "archive-failed", DM_S("tenant", tenant), DM_S("reason", error->message),
           DM_S("effect", "what is begun in it is ended later"));
}

static void open_all(DmArchives *archives, const DmConfig *config)
{
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        g_autoptr(GError) error = NULL;
        DmArchive *archive;

        if (!dm_archives_get(archives, tenant, &archive, &error))
            complain(tenant->name, error);
    }
}

void dm_archive_settle(DmArchives *archives, DmSubmitter *submitter, DmJournal *journal, const DmGateway *gateway,
                       gboolean (*going)(gpointer data), gpointer data)
{
    open_all(archives, gateway->config);

    g_autoptr(GPtrArray) all = dm_archives_list(archives);

    for (guint i = 0; i < all->len; i++) {
        DmArchive *archive = g_ptr_array_index(all, i);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) ids = dm_archive_begun(archive, &error);

        if (!ids)
            complain(NULL, error);
        for (guint j = 0; ids && j < ids->len && going(data); j++) {
            const char *id = g_ptr_array_index(ids, j);

            if (!dm_submitter_take(submitter, id, 0))
                continue;
            dm_evidence_settle(archive, id, look_up, journal);
            dm_submitter_release(submitter, id);
        }
    }
}
