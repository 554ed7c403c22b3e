/* The message that follows DATA: compared with a plain reader of RFC 5321 4.5.2, for pieces of any size. */
#include "poller/lmtp_data.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

void fuzz_start(void)
{
}

/* What the message is, and how many bytes it takes on the wire; -1 if it does not end. */
static gssize expect(const char *wire, gsize length, GString *message)
{
    gboolean at_start = TRUE;

    for (gsize i = 0; i < length; i++) {
        if (at_start && wire[i] == '.') {
            if (length - i >= 3 && memcmp(wire + i, ".\r\n", 3) == 0)
                return (gssize)i + 3;
            i++;
            if (i == length)
                break;
        }
        g_string_append_c(message, wire[i]);
        at_start = message->len >= 2 && i >= 1 && wire[i] == '\n' && wire[i - 1] == '\r';
    }
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gsize piece = size > 0 ? 1U + data[0] % 64U : 1U;
    const char *wire = size > 0 ? (const char *)data + 1 : "";
    gsize length = size > 0 ? size - 1 : 0;
    g_autoptr(GString) wanted = g_string_new(NULL);
    g_autoptr(GString) got = g_string_new(NULL);
    gssize end = expect(wire, length, wanted);
    GInputStream *memory = g_memory_input_stream_new_from_data(wire, (gssize)length, NULL);
    GInputStream *in = g_buffered_input_stream_new_sized(memory, piece);
    DmLmtpData body;
    char buffer[64];
    gssize n;

    dm_lmtp_data_init(&body, G_BUFFERED_INPUT_STREAM(in));
    while ((n = dm_lmtp_data_read(buffer, piece, &body)) > 0) {
        FUZZ_CHECK((gsize)n <= piece);
        g_string_append_len(got, buffer, n);
    }
    FUZZ_CHECK((n == 0) == (end >= 0));
    FUZZ_CHECK(dm_lmtp_data_read(buffer, piece, &body) == n);
    if (end >= 0) {
        FUZZ_CHECK(g_string_equal(wanted, got));
        gsize rest = 0;
        while ((n = g_input_stream_read(in, buffer, sizeof buffer, NULL, NULL)) > 0)
            rest += (gsize)n;
        FUZZ_CHECK((gsize)end + rest == length);
    }
    g_object_unref(in);
    g_object_unref(memory);
    return 0;
}
