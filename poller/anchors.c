#include "poller/anchors.h"

#include "common/log.h"

static void release(gpointer trust)
{
    dm_trust_free(trust);
}

gboolean dm_anchors_attach(DmGateway *gateway, GPtrArray *problems, GError **first)
{
    const DmConfig *config = gateway->config;
    g_autoptr(GError) error = NULL;
    DmTrust *trust = dm_trust_new(config->trust_anchors, config->crl_files, &error);

    if (!trust) {
        g_ptr_array_add(problems, g_strdup(error->message));
        if (first && !*first)
            *first = g_steal_pointer(&error);
        return FALSE;
    }
    gateway->attached = trust;
    gateway->attached_free = release;
    if (!dm_trust_has_anchors(trust))
        dm_log(DM_LOG_WARNING, "trust-anchors-missing", DM_S("file", config->file),
               DM_S("effect", "seals of De-Mail can't be judged, and signed confirmations do not count in the journal"),
               DM_S("remedy", "name the CAs of the providers' seals in trust_anchors"));
    return TRUE;
}

const DmTrust *dm_anchors_of(const DmGateway *gateway)
{
    return gateway->attached;
}
