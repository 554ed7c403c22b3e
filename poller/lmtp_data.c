#include "poller/lmtp_data.h"

#include <string.h>

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

/* Copies text to the end of its line, or of what there is; returns how much. */
static gsize copy_text(DmLmtpData *data, char *out, const char *text, gsize length)
{
    const char *newline = memchr(text, '\n', length);
    gsize n = newline ? (gsize)(newline - text) + 1 : length;
    gboolean after_cr = n > 1 ? text[n - 2] == '\r' : data->state == DM_LMTP_DATA_CR;

    memcpy(out, text, n);
    if (newline && after_cr)
        data->state = DM_LMTP_DATA_LINE_START;
    else
        data->state = text[n - 1] == '\r' ? DM_LMTP_DATA_CR : DM_LMTP_DATA_TEXT;
    return n;
}

/* What begins with a dot at the start of a line, and what is no text any more. */
static Step step(DmLmtpData *data, char c)
{
    switch (data->state) {
    case DM_LMTP_DATA_LINE_START:
        data->state = DM_LMTP_DATA_DOT;
        return (Step){TRUE, FALSE, 0};
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
    case DM_LMTP_DATA_TEXT:
    case DM_LMTP_DATA_CR:
    case DM_LMTP_DATA_END:
    case DM_LMTP_DATA_BROKEN:
        break;
    }
    return (Step){FALSE, FALSE, 0};
}

static gboolean is_text(const DmLmtpData *data, char c)
{
    return data->state == DM_LMTP_DATA_TEXT || data->state == DM_LMTP_DATA_CR ||
           (data->state == DM_LMTP_DATA_LINE_START && c != '.');
}

/* Takes from what is buffered; returns the number of bytes given out. */
static gsize take(DmLmtpData *data, char *out, gsize size)
{
    gsize available, used = 0, filled = 0;
    const char *buffered = g_buffered_input_stream_peek_buffer(data->in, &available);

    while (used < available && filled < size && data->state != DM_LMTP_DATA_END) {
        if (is_text(data, buffered[used])) {
            gsize n = copy_text(data, out + filled, buffered + used, MIN(available - used, size - filled));

            used += n;
            filled += n;
            continue;
        }

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

gboolean dm_lmtp_data_ended(const DmLmtpData *data)
{
    return data->state == DM_LMTP_DATA_END;
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
