#include "poller/lmtp_data.h"

#define DRAIN_CHUNK 16384

void dm_lmtp_data_init(DmLmtpData *data, GBufferedInputStream *in)
{
    data->in = in;
    data->state = DM_LMTP_DATA_LINE_START;
}

/* What one byte does: whether it is used up, whether a byte is given out. */
typedef struct {
    gboolean consumed;
    gboolean emitted;
    char byte;
} Step;

static Step step_text(DmLmtpData *data, char c)
{
    if (c == '\r')
        data->state = DM_LMTP_DATA_CR;
    else if (c == '\n' && data->state == DM_LMTP_DATA_CR)
        data->state = DM_LMTP_DATA_LINE_START;
    else
        data->state = DM_LMTP_DATA_TEXT;
    return (Step){TRUE, TRUE, c};
}

static Step step(DmLmtpData *data, char c)
{
    switch (data->state) {
    case DM_LMTP_DATA_LINE_START:
        if (c == '.') {
            data->state = DM_LMTP_DATA_DOT;
            return (Step){TRUE, FALSE, 0};
        }
        return step_text(data, c);
    case DM_LMTP_DATA_TEXT:
    case DM_LMTP_DATA_CR:
        return step_text(data, c);
    case DM_LMTP_DATA_DOT:
        if (c == '\r') {
            data->state = DM_LMTP_DATA_DOT_CR;
            return (Step){TRUE, FALSE, 0};
        }
        data->state = DM_LMTP_DATA_TEXT;
        return (Step){FALSE, FALSE, 0};
    case DM_LMTP_DATA_DOT_CR:
        if (c == '\n') {
            data->state = DM_LMTP_DATA_END;
            return (Step){TRUE, FALSE, 0};
        }
        data->state = DM_LMTP_DATA_CR;
        return (Step){FALSE, TRUE, '\r'};
    case DM_LMTP_DATA_END:
    case DM_LMTP_DATA_BROKEN:
        break;
    }
    return (Step){FALSE, FALSE, 0};
}

/* Takes from what is buffered; returns the number of bytes given out. */
static gsize take(DmLmtpData *data, char *out, gsize size)
{
    gsize available, used = 0, filled = 0;
    const char *buffered = g_buffered_input_stream_peek_buffer(data->in, &available);

    while (used < available && filled < size && data->state != DM_LMTP_DATA_END) {
        Step s = step(data, buffered[used]);

        if (s.emitted)
            out[filled++] = s.byte;
        if (s.consumed)
            used++;
    }
    if (g_input_stream_skip(G_INPUT_STREAM(data->in), used, NULL, NULL) != (gssize)used)
        data->state = DM_LMTP_DATA_BROKEN;
    return filled;
}

gssize dm_lmtp_data_read(void *buffer, gsize size, gpointer user_data)
{
    DmLmtpData *data = user_data;

    while (data->state != DM_LMTP_DATA_BROKEN) {
        gsize filled = take(data, buffer, size);

        if (data->state == DM_LMTP_DATA_BROKEN)
            break;
        if (filled > 0 || data->state == DM_LMTP_DATA_END)
            return (gssize)filled;
        if (g_buffered_input_stream_fill(data->in, -1, NULL, NULL) <= 0)
            data->state = DM_LMTP_DATA_BROKEN;
    }
    return -1;
}

gboolean dm_lmtp_data_drain(DmLmtpData *data)
{
    char chunk[DRAIN_CHUNK];
    gssize n;

    do {
        n = dm_lmtp_data_read(chunk, sizeof chunk, data);
    } while (n > 0);
    return n == 0;
}
