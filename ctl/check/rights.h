/*
 * What a user may do with a file, by the user database and the modes of files: for users who are not running.
 */
#ifndef DEMAIL_CTL_CHECK_RIGHTS_H
#define DEMAIL_CTL_CHECK_RIGHTS_H

#include <glib.h>
#include <sys/stat.h>

typedef struct {
    uid_t uid;
    GArray *groups; /* of gid_t: the group and the supplementary ones */
} DmIdentity;

enum { DM_MAY_ENTER = 1, DM_MAY_WRITE = 2, DM_MAY_READ = 4 };

/* `group` NULL: the user's own. FALSE if there is no such user or group. */
gboolean dm_identity_load(const char *user, const char *group, DmIdentity *identity);
void dm_identity_clear(DmIdentity *identity);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmIdentity, dm_identity_clear)

gboolean dm_identity_in(const DmIdentity *identity, gid_t group);

/* By owner, group and mode. */
gboolean dm_identity_may(const DmIdentity *identity, const struct stat *st, guint what);

/* The first folder on the way to the absolute `path` that the user can't enter, or the path itself if `what` is not
 * allowed there or it is missing; NULL if all is well. g_free(). */
char *dm_identity_obstacle(const DmIdentity *identity, const char *path, guint what);

/* Members of the group who are none of `allowed`; by the user database. g_strfreev(). */
char **dm_group_others(const char *group, const char *const *allowed);

/* "www-data", or the number. g_free(). */
char *dm_group_name(gid_t group);

#endif
