/*
 * The gateway at work: one configuration with its tables open and its stamp key read, shared by reference count.
 *
 * A message takes a reference when it begins and keeps it to its end; a reload puts a new gateway in its place.
 */
#ifndef DEMAIL_COMMON_GATEWAY_H
#define DEMAIL_COMMON_GATEWAY_H

#include "common/config.h"
#include "common/metrics.h"
#include "common/table.h"

#include <glib.h>

typedef struct {
    DmTable *senders;     /* NULL where the program did not ask for it */
    DmTable *address_map; /* NULL if not configured */
} DmTenantTables;

typedef struct {
    DmConfig *config;
    GBytes *stamp_key;
    DmTable *demail_domains;
    DmTable *trust_list;     /* the table made of the list of providers; NULL if none is configured */
    DmTable *sender_logins;  /* NULL if not configured */
    DmTenantTables *tenants; /* in the order of config->tenants */

    DmMetrics *metrics; /* what the process counts: one for all gateways, from the first that was current on */

    gpointer attached;            /* what the program keeps with it; NULL if nothing */
    GDestroyNotify attached_free; /* frees it with the gateway */
} DmGateway;

typedef enum {
    DM_GATEWAY_POLICY = 1 << 0, /* demail_domains, sender_logins, senders: what the policy needs */
    DM_GATEWAY_STAMP = 1 << 1,  /* the stamp key */
} DmGatewayNeeds;               /* address maps are always opened */

/* Reads `config_file` and opens what `needs` names. On any mistake returns NULL and fills `problems` (char *) with one
 * line each; `*first` (may be NULL) gets the first as an error, for its exit code. */
DmGateway *dm_gateway_open(const char *config_file, guint needs, GPtrArray *problems, GError **first);

DmGateway *dm_gateway_ref(DmGateway *gateway);
void dm_gateway_unref(DmGateway *gateway);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmGateway, dm_gateway_unref)

const DmTenantTables *dm_gateway_tenant_tables(const DmGateway *gateway, const DmTenantConfig *tenant);

/* The one gateway that new messages use. dm_gateway_current() returns a reference (NULL before the first set);
 * dm_gateway_set_current() takes one. */
DmGateway *dm_gateway_current(void);
void dm_gateway_set_current(DmGateway *gateway);

/* What a program checks, or attaches, beyond the configuration itself: FALSE after adding lines (char *) to
 * `problems`. */
typedef gboolean (*DmGatewayCheck)(DmGateway *gateway, GPtrArray *problems);

/* Reads the current gateway's configuration file anew and puts the result in its place. If it is bad, or `check` (may
 * be NULL) refuses it, logs every problem and keeps the old one. */
gboolean dm_gateway_reload(guint needs, DmGatewayCheck check);

#endif
