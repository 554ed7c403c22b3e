/* The server's side of LMTP: what a client may say, and what it must never hear. */
#include "poller/lmtp.h"

#include "tests/fuzz/fuzz.h"

#include <gio/gio.h>
#include <string.h>

typedef struct {
    guint recipients;
} Session;

void fuzz_start(void)
{
}

static void check_text(const char *text)
{
    FUZZ_CHECK(strpbrk(text, "\r\n") == NULL);
    FUZZ_CHECK(strlen(text) <= DM_LMTP_LINE_MAX);
}

static char *on_mail(gpointer data, const char *sender, gint64 size)
{
    (void)data;
    check_text(sender);
    FUZZ_CHECK(size >= 0);
    return g_strdup(g_str_has_prefix(sender, "later") ? "451 4.4.1 later" : "250 2.1.0 Ok");
}

static char *on_rcpt(gpointer data, const char *recipient)
{
    Session *session = data;

    check_text(recipient);
    if (g_str_has_prefix(recipient, "no"))
        return g_strdup("550 5.7.1 no");
    session->recipients++;
    return g_strdup("250 2.1.5 Ok");
}

static GPtrArray *on_message(gpointer data, DmLmtpData *body)
{
    const Session *session = data;
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);
    char chunk[7];

    /* Some are left to the server to be drained. */
    for (guint i = 0; i < 100 && dm_lmtp_data_read(chunk, sizeof chunk, body) > 0; i++)
        continue;
    for (guint i = 0; i < session->recipients; i++)
        g_ptr_array_add(replies, g_strdup(i % 2 == 0 ? "250 2.0.0 taken" : "452 4.3.1 later"));
    return replies;
}

static void on_reset(gpointer data)
{
    ((Session *)data)->recipients = 0;
}

/* Whole lines, each a reply (RFC 5321 4.2), and no longer than a reply may be. */
static void check_replies(const char *text, gsize length)
{
    while (length > 0) {
        const char *end = memmem(text, length, "\r\n", 2);
        FUZZ_CHECK(end != NULL);
        gsize size = (gsize)(end - text);
        FUZZ_CHECK(size >= 4 && size <= 510);
        FUZZ_CHECK(text[0] >= '2' && text[0] <= '5' && g_ascii_isdigit(text[1]) && g_ascii_isdigit(text[2]));
        FUZZ_CHECK(text[3] == ' ' || text[3] == '-');
        for (gsize i = 0; i < size; i++)
            FUZZ_CHECK(g_ascii_isprint(text[i]));
        text += size + 2;
        length -= size + 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DmLmtpHandlers handlers = {on_mail, on_rcpt, on_message, on_reset};
    GInputStream *in = g_memory_input_stream_new_from_data(data, (gssize)size, NULL);
    GOutputStream *out = g_memory_output_stream_new_resizable();
    Session session = {0};

    dm_lmtp_serve(in, out, NULL, "mx.example", &handlers, &session);
    check_replies(g_memory_output_stream_get_data(G_MEMORY_OUTPUT_STREAM(out)),
                  g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(out)));
    g_object_unref(in);
    g_object_unref(out);
    return 0;
}
