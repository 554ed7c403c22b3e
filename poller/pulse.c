#include "poller/pulse.h"

#include "common/log.h"
#include "common/notify.h"

#include <string.h>

#define BEATS 3

struct DmPulse {
    DmLmtpServer *server;
    GSource *timer;
    GSocket *call;   /* under way, or NULL */
    GSource *answer; /* to it */
    gboolean silent; /* the last beat failed; logged */
};

static void attach(GSource *source, GSourceFunc function, DmPulse *pulse)
{
    g_autoptr(GMainContext) context = g_main_context_ref_thread_default();

    g_source_set_callback(source, function, pulse, NULL);
    g_source_attach(source, context);
}

static void drop(GSource **source)
{
    if (*source)
        g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

static void hang_up(DmPulse *pulse)
{
    drop(&pulse->answer);
    g_clear_object(&pulse->call);
}

static void miss(DmPulse *pulse, const char *reason)
{
    if (!pulse->silent)
        dm_log(DM_LOG_WARNING, "no-sign-of-life", DM_S("reason", reason));
    pulse->silent = TRUE;
}

/* That it is busy is life, too. */
static gboolean on_answer(GSocket *call, GIOCondition condition, gpointer data)
{
    DmPulse *pulse = data;
    char code[3];
    gssize length = g_socket_receive(call, code, sizeof code, NULL, NULL);

    (void)condition;
    if (length == sizeof code && (memcmp(code, "220", sizeof code) == 0 || memcmp(code, "421", sizeof code) == 0)) {
        pulse->silent = FALSE;
        dm_notify("WATCHDOG=1");
    } else {
        miss(pulse, "the LMTP socket does not greet");
    }
    hang_up(pulse);
    return G_SOURCE_REMOVE;
}

static gboolean on_beat(gpointer data)
{
    DmPulse *pulse = data;
    g_autoptr(GError) error = NULL;

    if (pulse->call)
        miss(pulse, "the LMTP socket does not answer");
    hang_up(pulse);
    pulse->call = dm_lmtp_server_call(pulse->server, &error);
    if (!pulse->call) {
        miss(pulse, error->message);
        return G_SOURCE_CONTINUE;
    }
    pulse->answer = g_socket_create_source(pulse->call, G_IO_IN, NULL);
    attach(pulse->answer, G_SOURCE_FUNC(on_answer), pulse);
    return G_SOURCE_CONTINUE;
}

DmPulse *dm_pulse_start(DmLmtpServer *server, gint64 interval)
{
    DmPulse *pulse;

    if (interval <= 0)
        return NULL;
    pulse = g_new0(DmPulse, 1);
    pulse->server = server;
    pulse->timer = g_timeout_source_new((guint)CLAMP(interval / 1000 / BEATS, 1, G_MAXINT));
    attach(pulse->timer, on_beat, pulse);
    return pulse;
}

void dm_pulse_stop(DmPulse *pulse)
{
    if (!pulse)
        return;
    hang_up(pulse);
    drop(&pulse->timer);
    g_free(pulse);
}
