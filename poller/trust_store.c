#include "poller/trust_store.h"

#include "common/domains.h"
#include "common/postmap.h"

#include <string.h>
#include <sys/stat.h>

#define MODE 0640 /* the milter's user is in the group */

static char *path_of(const char *state_dir, const char *suffix)
{
    return g_strconcat(state_dir, "/" DM_TRUST_LIST_NAME, suffix, NULL);
}

static void set_os_error(GError **error, const char *path, const GError *reason)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check state_dir, its owner and the space on its disk", path,
                reason->message);
}

static gboolean replace(const char *path, const char *text, gsize length, GError **error)
{
    g_autoptr(GError) reason = NULL;

    if (g_file_set_contents_full(path, text, (gssize)length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, MODE, &reason))
        return TRUE;
    set_os_error(error, path, reason);
    return FALSE;
}

GString *dm_trust_store_load(const char *state_dir, GError **error)
{
    g_autofree char *path = path_of(state_dir, ".xml");
    g_autofree char *text = NULL;
    g_autoptr(GError) reason = NULL;
    gsize length = 0;

    if (g_file_get_contents(path, &text, &length, &reason))
        return g_string_new_len(text, (gssize)length);
    if (!g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        set_os_error(error, path, reason);
    return NULL;
}

gboolean dm_trust_store_save(const char *state_dir, const GString *list, GError **error)
{
    g_autofree char *path = path_of(state_dir, ".xml");

    return replace(path, list->str, list->len, error);
}

static char *format_source(const DmTrustList *list)
{
    GString *text = g_string_new("# Made by demail-poller of the signed list of providers; changes are lost.\n");

    g_string_append_printf(text, "# sequence %" G_GINT64_FORMAT "\n", list->sequence);
    for (guint i = 0; i < list->domains->len; i++) {
        const DmTrustListDomain *domain = g_ptr_array_index(list->domains, i);
        const char *value = domain->active ? DM_TRUST_LIST_ACTIVE : DM_TRUST_LIST_INACTIVE;
        g_string_append_printf(text, "%s %s\n.%s %s\n", domain->name, value, domain->name, value);
    }
    return g_string_free(text, FALSE);
}

static gboolean is_up_to_date(const char *compiled, const char *source)
{
    struct stat left, right;

    if (stat(compiled, &left) != 0 || stat(source, &right) != 0)
        return FALSE;
    if (left.st_mtim.tv_sec != right.st_mtim.tv_sec)
        return left.st_mtim.tv_sec > right.st_mtim.tv_sec;
    return left.st_mtim.tv_nsec >= right.st_mtim.tv_nsec;
}

gboolean dm_trust_store_write_table(const char *state_dir, const DmTrustList *list, GError **error)
{
    g_autofree char *source = path_of(state_dir, "");
    g_autofree char *compiled = path_of(state_dir, DM_POSTMAP_SUFFIX);
    g_autofree char *text = format_source(list);
    g_autofree char *old = NULL;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    if (g_file_get_contents(source, &old, NULL, NULL) && strcmp(old, text) == 0 && is_up_to_date(compiled, source))
        return TRUE;
    if (!replace(source, text, strlen(text), error) || !dm_postmap_compile(source, FALSE, NULL, problems, error))
        return FALSE;
    if (problems->len == 0)
        return TRUE;
    g_set_error_literal(error, DM_ERROR, DM_ERROR_OS, g_ptr_array_index(problems, 0));
    return FALSE;
}
