/*
 * Lists of networks in CIDR notation, such as "127.0.0.0/8;::1/128;192.0.2.7".
 */
#ifndef DEMAIL_COMMON_NETWORK_H
#define DEMAIL_COMMON_NETWORK_H

#include <glib.h>

typedef struct DmNetworks DmNetworks;

/* `list` is NULL-terminated; DM_ERROR_CONFIG names the entry that is no network. Host bits beyond the mask are refused.
 */
DmNetworks *dm_networks_parse(char *const *list, GError **error);
void dm_networks_free(DmNetworks *networks);

gboolean dm_networks_is_empty(const DmNetworks *networks);

/* True if `address` (numeric, IPv4 or IPv6; an IPv4-mapped IPv6 address counts as IPv4) lies in one of the networks.
 * NULL or what is no address is in none. */
gboolean dm_networks_contain(const DmNetworks *networks, const char *address);

#endif
