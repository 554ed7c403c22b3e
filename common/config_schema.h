/*
 * The keys of demail.conf(5) with type, default and limits: the one place that knows them all.
 */
#ifndef DEMAIL_COMMON_CONFIG_SCHEMA_H
#define DEMAIL_COMMON_CONFIG_SCHEMA_H

#include "common/config.h"
#include "common/config_value.h"

typedef struct {
    const char *name;
    gsize offset; /* of the member in the group's structure */
    DmValueRule rule;
    const char *preset; /* the default; NULL: the key must be given, with a value that is not empty */
} DmConfigKey;

typedef struct {
    const char *name; /* "gateway"; "provider" and "tenant" are followed by a name of their own */
    gboolean has_name;
    const DmConfigKey *keys; /* ended by a NULL name */
} DmConfigGroup;

/* Ended by a NULL name; [gateway], [milter], [poller] (members of DmConfig), provider (DmProviderConfig), tenant
 * (DmTenantConfig). */
extern const DmConfigGroup dm_config_groups[];

/* The group with the name, or NULL. */
const DmConfigGroup *dm_config_group(const char *name);

#endif
