/*
 * What lies on this machine: users and groups, keys and passwords, folders, certificates, and the daemons' sockets.
 */
#ifndef DEMAIL_CTL_CHECK_FILES_H
#define DEMAIL_CTL_CHECK_FILES_H

#include "common/config.h"
#include "ctl/check/mta.h"

#include <glib.h>

/* Users, keys, folders, certificates; codes "user.…", "group.…", "key.…", "folder.…", "provider.…". */
void dm_check_files(const DmConfig *config, GPtrArray *findings);

/* Whether the daemons answer, whether the MTA gets at their sockets, and whether it takes received De-Mail; codes
 * "socket.…" and "mta.inject-silent". */
void dm_check_sockets(const DmConfig *config, const DmMta *mta, GPtrArray *findings);

#endif
