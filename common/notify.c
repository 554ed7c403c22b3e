#include "common/notify.h"

#include "common/log.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

void dm_notify(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    if (path == NULL || (path[0] != '/' && path[0] != '@'))
        return;

    g_autoptr(GSocketAddress) address =
        path[0] == '@' ? g_unix_socket_address_new_with_type(path + 1, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT)
                       : g_unix_socket_address_new(path);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &problem);
    if (socket == NULL || g_socket_send_to(socket, address, state, strlen(state), NULL, &problem) < 0)
        dm_log(DM_LOG_WARNING, "notify-failed", DM_S("reason", problem->message));
}

void dm_notify_reloading(void)
{
    g_autofree char *state = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());

    dm_notify(state);
}
