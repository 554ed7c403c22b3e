/*
 * The message that follows DATA (RFC 5321 4.5.2): un-dot-stuffed, in pieces, unchanged otherwise.
 *
 * Only CRLF "." CRLF ends it. A "." after a bare LF or CR is text, so that nothing can be smuggled past the end that
 * the MTA meant. A DmLmtpData belongs to one thread.
 */
#ifndef DEMAIL_POLLER_LMTP_DATA_H
#define DEMAIL_POLLER_LMTP_DATA_H

#include <gio/gio.h>

typedef enum {
    DM_LMTP_DATA_LINE_START,
    DM_LMTP_DATA_TEXT,
    DM_LMTP_DATA_CR,
    DM_LMTP_DATA_DOT,
    DM_LMTP_DATA_DOT_CR,
    DM_LMTP_DATA_END,
    DM_LMTP_DATA_BROKEN,
} DmLmtpDataState;

typedef struct {
    GBufferedInputStream *in; /* lent */
    DmLmtpDataState state;
} DmLmtpData;

void dm_lmtp_data_init(DmLmtpData *data, GBufferedInputStream *in);

/* Fills at most `size` bytes and returns how many, as soon as there are some; 0 at the end of the message, -1 when the
 * connection broke or timed out before it, then and ever after. `data` is a DmLmtpData *. */
gssize dm_lmtp_data_read(void *buffer, gsize size, gpointer data);

/* Whether the end of the message has been read. */
gboolean dm_lmtp_data_ended(const DmLmtpData *data);

/* Reads on to the end of the message. FALSE if the connection broke before. */
gboolean dm_lmtp_data_drain(DmLmtpData *data);

#endif
