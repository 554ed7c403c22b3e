#include "poller/archive_settle.h"

#include "common/log.h"
#include "poller/evidence.h"

static gboolean look_up(const char *gateway_id, const char *recipient, DmSent *sent, gpointer data, GError **error)
{
    gboolean found;

    return dm_journal_get_sent(data, gateway_id, recipient, sent, &found, error);
}

static void complain(const DmTenantConfig *tenant, const GError *error)
{
    dm_log(DM_LOG_ERROR, "archive-failed", DM_S("tenant", tenant->name), DM_S("reason", error->message),
           DM_S("effect", "what is begun in it is ended later"));
}

void dm_archive_settle(DmArchives *archives, DmSubmitter *submitter, DmJournal *journal, const DmGateway *gateway,
                       gboolean (*going)(gpointer data), gpointer data)
{
    for (guint i = 0; i < gateway->config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(gateway->config->tenants, i);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) ids = NULL;
        DmArchive *archive = NULL;

        if (dm_archives_get(archives, tenant, &archive, &error) && archive)
            ids = dm_archive_begun(archive, &error);
        if (error)
            complain(tenant, error);
        for (guint j = 0; ids && j < ids->len && going(data); j++) {
            const char *id = g_ptr_array_index(ids, j);

            if (!dm_submitter_take(submitter, id, 0))
                continue;
            dm_evidence_settle(archive, id, look_up, journal);
            dm_submitter_release(submitter, id);
        }
    }
}
