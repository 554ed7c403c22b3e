/*
 * Whether the providers let the tenants in.
 */
#ifndef DEMAIL_CTL_CHECK_LOGIN_H
#define DEMAIL_CTL_CHECK_LOGIN_H

#include "common/config.h"

#include <glib.h>

/* Logs in once for each account that demail-poller logs in for: a login at level high counts as the recipient's, and a
 * wrong password counts towards a lock. Returns the largest message that an account may receive, bytes; 0: not told. */
gint64 dm_check_logins(const DmConfig *config, GPtrArray *findings);

#endif
