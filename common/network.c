#include "common/network.h"

#include "common/error.h"

#include <gio/gio.h>
#include <string.h>

#define PREFIX_MAX 128 /* bits of an IPv6 address */

struct DmNetworks {
    GPtrArray *masks; /* of GInetAddressMask */
};

/* GLib complains on its own log of a prefix longer than any address. */
static gboolean has_long_prefix(const char *entry)
{
    const char *slash = strchr(entry, '/');

    return slash != NULL && g_ascii_strtoull(slash + 1, NULL, 10) > PREFIX_MAX;
}

DmNetworks *dm_networks_parse(char *const *list, GError **error)
{
    g_autoptr(GPtrArray) masks = g_ptr_array_new_with_free_func(g_object_unref);

    for (char *const *entry = list; *entry != NULL; entry++) {
        g_autoptr(GError) reason = NULL;
        GInetAddressMask *mask = has_long_prefix(*entry) ? NULL : g_inet_address_mask_new_from_string(*entry, &reason);
        if (mask == NULL) {
            g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                        "\"%s\" is no network; write it as 192.0.2.0/24, 2001:db8::/32 or a single address", *entry);
            return NULL;
        }
        g_ptr_array_add(masks, mask);
    }
    DmNetworks *networks = g_new0(DmNetworks, 1);
    networks->masks = g_steal_pointer(&masks);
    return networks;
}

void dm_networks_free(DmNetworks *networks)
{
    if (networks == NULL)
        return;
    g_ptr_array_unref(networks->masks);
    g_free(networks);
}

gboolean dm_networks_is_empty(const DmNetworks *networks)
{
    return networks->masks->len == 0;
}

/* IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) as IPv4. */
static GInetAddress *parse_address(const char *text)
{
    static const guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);

    if (address == NULL || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6)
        return g_steal_pointer(&address);
    const guint8 *bytes = g_inet_address_to_bytes(address);
    for (gsize i = 0; i < sizeof mapped; i++) {
        if (bytes[i] != mapped[i])
            return g_steal_pointer(&address);
    }
    return g_inet_address_new_from_bytes(bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);
}

gboolean dm_networks_contain(const DmNetworks *networks, const char *address)
{
    if (address == NULL)
        return FALSE;

    g_autoptr(GInetAddress) parsed = parse_address(address);
    if (parsed == NULL)
        return FALSE;
    for (guint i = 0; i < networks->masks->len; i++) {
        if (g_inet_address_mask_matches(g_ptr_array_index(networks->masks, i), parsed))
            return TRUE;
    }
    return FALSE;
}
