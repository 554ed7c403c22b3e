/*
 * The server's side of LMTP (RFC 2033) over a pair of streams: commands, order of commands, replies. Knows nothing of
 * De-Mail. PIPELINING, 8BITMIME, SIZE, ENHANCEDSTATUSCODES.
 *
 * A reply is one line, "code enhanced-code text", without its line end; one that begins with "2" accepts. Replies that
 * handlers return are freed with g_free().
 */
#ifndef DEMAIL_POLLER_LMTP_H
#define DEMAIL_POLLER_LMTP_H

#include "poller/lmtp_data.h"

#define DM_LMTP_LINE_MAX   4096 /* bytes of a command; RFC 5321 4.5.3.1.4 asks for 512 and room for parameters */
#define DM_LMTP_ERRORS_MAX 20   /* refused commands, until the connection is closed */

typedef struct {
    /* MAIL; `sender` without brackets, "" for the null sender; `size` as announced, 0 if it was not. */
    char *(*mail)(gpointer data, const char *sender, gint64 size);

    /* RCPT; `recipient` without brackets. */
    char *(*rcpt)(gpointer data, const char *recipient);

    /* The message for all accepted recipients. Returns a reply (char *) for each of them, in the order of RCPT, in an
     * array that frees them. What the handler leaves of `body` is read to its end afterwards. */
    GPtrArray *(*message)(gpointer data, DmLmtpData *body);

    /* The transaction is over, however it ended. May be called without one. */
    void (*reset)(gpointer data);
} DmLmtpHandlers;

/* Both take effect while a command is waited for: a message under way is answered first. */
typedef struct {
    GCancellable *idle;  /* ends a connection between messages */
    GCancellable *begun; /* ends also one that has begun: with MAIL, or just connected and with no message yet */
} DmLmtpStop;

/* Serves one connection until QUIT, a broken stream, too many errors, or `stop` (NULL: never). */
void dm_lmtp_serve(GInputStream *in, GOutputStream *out, const DmLmtpStop *stop, const char *hostname,
                   const DmLmtpHandlers *handlers, gpointer data);

#endif
