#include "milter/alive.h"

#include "common/listen.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

static void put(char *at, guint32 number)
{
    guint32 wire = htonl(number);

    memcpy(at, &wire, sizeof wire);
}

static gboolean send_all(GSocket *socket, const char *bytes, gsize length, GError **error)
{
    for (gsize sent = 0; sent < length;) {
        gssize n = g_socket_send(socket, bytes + sent, length - sent, NULL, error);
        if (n < 0)
            return FALSE;
        sent += (gsize)n;
    }
    return TRUE;
}

static gboolean receive_all(GSocket *socket, char *bytes, gsize length, GError **error)
{
    for (gsize got = 0; got < length;) {
        gssize n = g_socket_receive(socket, bytes + got, length - got, NULL, error);
        if (n < 0)
            return FALSE;
        if (n == 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "the connection was closed");
            return FALSE;
        }
        got += (gsize)n;
    }
    return TRUE;
}

/* A packet is a length of four bytes, a command of one, and its data. */
gboolean dm_alive(int fd, guint seconds, GError **error)
{
    char offer[MILTER_LEN_BYTES + 1 + MILTER_OPTLEN];
    char answer[MILTER_LEN_BYTES + 1];
    char quit[MILTER_LEN_BYTES + 1];
    g_autoptr(GSocket) socket = dm_listen_call(fd, seconds, error);

    if (socket == NULL)
        return FALSE;
    put(offer, 1 + MILTER_OPTLEN);
    offer[MILTER_LEN_BYTES] = SMFIC_OPTNEG;
    put(offer + MILTER_LEN_BYTES + 1, SMFI_PROT_VERSION);
    put(offer + MILTER_LEN_BYTES + 5, SMFI_CURR_ACTS);
    put(offer + MILTER_LEN_BYTES + 9, SMFI_CURR_PROT);
    if (!send_all(socket, offer, sizeof offer, error) || !receive_all(socket, answer, sizeof answer, error))
        return FALSE;
    if (answer[MILTER_LEN_BYTES] != SMFIC_OPTNEG) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "the negotiation of options was refused");
        return FALSE;
    }
    put(quit, 1);
    quit[MILTER_LEN_BYTES] = SMFIC_QUIT;
    return send_all(socket, quit, sizeof quit, error);
}
