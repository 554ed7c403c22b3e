#include "ctl/check/rights.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define GROUPS_MAX 65536

gboolean dm_identity_load(const char *user, const char *group, DmIdentity *identity)
{
    const struct passwd *pw = getpwnam(user);
    const struct group *gr = group != NULL ? getgrnam(group) : NULL;
    gid_t found[64];
    int count = G_N_ELEMENTS(found);

    *identity = (DmIdentity){0};
    if (pw == NULL || (group != NULL && gr == NULL))
        return FALSE;
    identity->uid = pw->pw_uid;
    identity->groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
    gid_t first = gr != NULL ? gr->gr_gid : pw->pw_gid;
    if (getgrouplist(user, first, found, &count) >= 0) {
        g_array_append_vals(identity->groups, found, (guint)count);
        return TRUE;
    }
    g_array_set_size(identity->groups, (guint)CLAMP(count, 1, GROUPS_MAX));
    count = (int)identity->groups->len;
    return getgrouplist(user, first, (gid_t *)(gpointer)identity->groups->data, &count) >= 0;
}

void dm_identity_clear(DmIdentity *identity)
{
    g_clear_pointer(&identity->groups, g_array_unref);
}

gboolean dm_identity_in(const DmIdentity *identity, gid_t group)
{
    for (guint i = 0; i < identity->groups->len; i++) {
        if (g_array_index(identity->groups, gid_t, i) == group)
            return TRUE;
    }
    return FALSE;
}

gboolean dm_identity_may(const DmIdentity *identity, const struct stat *st, guint what)
{
    guint mode = (guint)st->st_mode;

    if (identity->uid == 0)
        return TRUE;
    if (identity->uid == st->st_uid)
        return ((mode >> 6) & what) == what;
    if (dm_identity_in(identity, st->st_gid))
        return ((mode >> 3) & what) == what;
    return (mode & what) == what;
}

char *dm_identity_obstacle(const DmIdentity *identity, const char *path, guint what)
{
    g_autofree char *prefix = g_strdup(path);
    struct stat st;

    for (char *slash = strchr(prefix + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(prefix, &st) != 0 || !dm_identity_may(identity, &st, DM_MAY_ENTER))
            return g_steal_pointer(&prefix);
        *slash = '/';
    }
    if (stat(path, &st) != 0 || !dm_identity_may(identity, &st, what))
        return g_steal_pointer(&prefix);
    return NULL;
}

char **dm_group_others(const char *group, const char *const *allowed)
{
    const struct group *gr = getgrnam(group);
    GPtrArray *others = g_ptr_array_new();
    gid_t gid = gr != NULL ? gr->gr_gid : 0;

    for (char **member = gr != NULL ? gr->gr_mem : NULL; member != NULL && *member != NULL; member++) {
        if (!g_strv_contains(allowed, *member))
            g_ptr_array_add(others, g_strdup(*member));
    }
    if (gr != NULL) {
        setpwent();
        for (const struct passwd *pw = getpwent(); pw != NULL; pw = getpwent()) {
            if (pw->pw_gid == gid && !g_strv_contains(allowed, pw->pw_name))
                g_ptr_array_add(others, g_strdup(pw->pw_name));
        }
        endpwent();
    }
    g_ptr_array_add(others, NULL);
    return (char **)g_ptr_array_free(others, FALSE);
}

char *dm_group_name(gid_t group)
{
    const struct group *gr = getgrgid(group);

    return gr != NULL ? g_strdup(gr->gr_name) : g_strdup_printf("%u", (guint)group);
}
