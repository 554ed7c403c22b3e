/*
 * What lies on this machine: users and groups, keys and passwords, folders, certificates, and the daemons' sockets.
 */
#ifndef DEMAIL_CTL_CHECK_FILES_H
#define DEMAIL_CTL_CHECK_FILES_H

#include "common/config.h"

#include <glib.h>

/* Users, keys, folders, certificates; codes "user.…", "group.…", "key.…", "folder.…", "provider.…". */
void dm_check_files(const DmConfig *config, GPtrArray *findings);

/* Whether the daemons answer, and whether `mail_user` (NULL: not known) gets at their sockets; codes "socket.…". */
void dm_check_sockets(const DmConfig *config, const char *mail_user, GPtrArray *findings);

#endif
