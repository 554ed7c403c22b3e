/*
 * The libraries that drivers use, set up so that they wipe what they free: both copy passwords and tokens.
 */
#ifndef DEMAIL_PROVIDER_LIBRARIES_H
#define DEMAIL_PROVIDER_LIBRARIES_H

#include "common/error.h"

/* Before the first driver is opened, once, with no other thread running. DM_ERROR_OS on failure. */
gboolean dm_provider_libraries_start(GError **error);

/* When the last one is closed. */
void dm_provider_libraries_stop(void);

#endif
