#include "poller/archives.h"

#include "common/log.h"

struct DmArchives {
    GMutex lock;
    GHashTable *by_dir; /* char * -> DmArchive * */
};

static void close_archive(gpointer archive)
{
    dm_archive_close(archive);
}

DmArchives *dm_archives_new(void)
{
    DmArchives *archives = g_new0(DmArchives, 1);

    archives->by_dir = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_archive);
    g_mutex_init(&archives->lock);
    return archives;
}

void dm_archives_free(DmArchives *archives)
{
    if (!archives)
        return;
    g_hash_table_unref(archives->by_dir);
    g_mutex_clear(&archives->lock);
    g_free(archives);
}

gboolean dm_archives_check(const DmConfig *config, GPtrArray *problems, GError **first)
{
    gboolean good = TRUE;

    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        GError *error = NULL;

        if (tenant->archive_dir[0] == '\0' || dm_archive_check(tenant->archive_dir, &error))
            continue;
        good = FALSE;
        g_prefix_error(&error, "%s: [tenant %s] ", config->file, tenant->name);
        g_ptr_array_add(problems, g_strdup(error->message));
        if (first && !*first)
            *first = error;
        else
            g_error_free(error);
    }
    return good;
}

gboolean dm_archives_get(DmArchives *archives, const DmTenantConfig *tenant, DmArchive **archive, GError **error)
{
    g_autoptr(GMutexLocker) locker = NULL;

    *archive = NULL;
    if (tenant->archive_dir[0] == '\0')
        return TRUE;
    locker = g_mutex_locker_new(&archives->lock);
    *archive = g_hash_table_lookup(archives->by_dir, tenant->archive_dir);
    if (*archive)
        return TRUE;
    *archive = dm_archive_open(tenant->archive_dir, error);
    if (!*archive) {
        g_prefix_error(error, "[tenant %s] ", tenant->name);
        return FALSE;
    }
    g_hash_table_insert(archives->by_dir, g_strdup(tenant->archive_dir), *archive);
    return TRUE;
}

static void complain(const DmTenantConfig *tenant, const GError *error)
{
    dm_log(DM_LOG_ERROR, "archive-failed", DM_S("tenant", tenant->name), DM_S("reason", error->message),
           DM_S("effect", "its De-Mails wait until the archive can be opened"));
}

gboolean dm_archives_open(DmArchives *archives, const DmConfig *config, GError **error)
{
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        g_autoptr(GError) problem = NULL;
        DmArchive *archive;

        if (dm_archives_get(archives, tenant, &archive, &problem))
            continue;
        if (!g_error_matches(problem, DM_ERROR, DM_ERROR_TEMPORARY)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        complain(tenant, problem);
    }
    return TRUE;
}

GPtrArray *dm_archives_list(DmArchives *archives)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&archives->lock);
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer archive;

    g_hash_table_iter_init(&iter, archives->by_dir);
    while (g_hash_table_iter_next(&iter, NULL, &archive))
        g_ptr_array_add(list, archive);
    return list;
}
