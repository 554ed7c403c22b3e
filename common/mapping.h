/*
 * A tenant's two names for one mailbox: the e-mail address and the De-Mail address.
 *
 * The table address_map decides where it has an entry; else the domain is exchanged (email_domains and demail_domains
 * pair by position; what has no partner uses the first). Addresses are returned in lower case (ACM FU 2.1.3).
 */
#ifndef DEMAIL_COMMON_MAPPING_H
#define DEMAIL_COMMON_MAPPING_H

#include "common/gateway.h"

/* *demail = NULL if `email` is not in one of the tenant's e-mail domains and has no entry. FALSE with a
 * DM_ERROR_TEMPORARY if a table can't be read. Free *demail with g_free(). An extension (user+ext) is dropped. */
gboolean dm_map_to_demail(const DmGateway *gateway, const DmTenantConfig *tenant, const char *email, char **demail,
                          GError **error);

/* The other way; *email = NULL if `demail` is not in one of the tenant's De-Mail domains and has no entry. */
gboolean dm_map_to_email(const DmGateway *gateway, const DmTenantConfig *tenant, const char *demail, char **email,
                         GError **error);

/* The same for many addresses in one state of the table: *map is its reader, NULL without address_map. */
gboolean dm_map_read(const DmGateway *gateway, const DmTenantConfig *tenant, DmTableReader **map, GError **error);
gboolean dm_map_to_email_in(DmTableReader *map, const DmTenantConfig *tenant, const char *demail, char **email,
                            GError **error);

#endif
