#include "poller/lmtp.h"

#include "common/step.h"

#include <string.h>

#define BUFFER_SIZE 65536

typedef struct {
    GBufferedInputStream *in;
    GOutputStream *out;
    const DmLmtpStop *stop;
    GString *replies; /* not sent yet, so that a pipelining client gets them in one piece */
    const char *hostname;
    const DmLmtpHandlers *handlers;
    gpointer data;
    gboolean greeted;
    gboolean in_mail;
    gboolean had_message;
    guint recipients; /* accepted */
    guint errors;     /* commands that are no LMTP */
    gboolean done;
} Session;

typedef enum { LINE_OK, LINE_TOO_LONG, LINE_STOPPED, LINE_TIMEOUT, LINE_BROKEN } LineResult;

static void reply(Session *s, const char *line)
{
    g_string_append(s->replies, line);
    g_string_append(s->replies, "\r\n");
}

/* Answers what is no LMTP; a handler's refusal is not the client's error. */
static void reject(Session *s, const char *line)
{
    reply(s, line);
    s->errors++;
}

static gboolean flush(Session *s)
{
    gboolean ok = g_output_stream_write_all(s->out, s->replies->str, s->replies->len, NULL, NULL, NULL) &&
                  g_output_stream_flush(s->out, NULL, NULL);

    g_string_truncate(s->replies, 0);
    return ok;
}

static GCancellable *stop_of(const Session *s)
{
    if (!s->stop)
        return NULL;
    return s->in_mail || !s->had_message ? s->stop->begun : s->stop->idle;
}

static LineResult fill(Session *s)
{
    g_autoptr(GError) error = NULL;

    if (!flush(s))
        return LINE_BROKEN;
    if (g_buffered_input_stream_fill(s->in, -1, stop_of(s), &error) > 0)
        return LINE_OK;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return LINE_STOPPED;
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ? LINE_TIMEOUT : LINE_BROKEN;
}

/* The next command without its line end. Of one that is too long, everything to its end is dropped. */
static LineResult read_line(Session *s, char **line)
{
    gboolean too_long = FALSE;

    for (;;) {
        gsize available;
        const char *buffered = g_buffered_input_stream_peek_buffer(s->in, &available);
        const char *end = available > 0 ? memchr(buffered, '\n', available) : NULL;
        gsize length = end ? (gsize)(end - buffered) : available;

        too_long = too_long || length > DM_LMTP_LINE_MAX;
        if (end && !too_long) {
            *line = g_strndup(buffered, length > 0 && end[-1] == '\r' ? length - 1 : length);
            if (memchr(buffered, '\0', length))
                *line[0] = '\0';
        }
        if ((end || too_long) && g_input_stream_skip(G_INPUT_STREAM(s->in), length + (end ? 1 : 0), NULL, NULL) < 0)
            return LINE_BROKEN;
        if (end)
            return too_long ? LINE_TOO_LONG : LINE_OK;

        LineResult result = fill(s);

        if (result != LINE_OK)
            return result;
    }
}

static void reset(Session *s)
{
    s->handlers->reset(s->data);
    s->in_mail = FALSE;
    s->recipients = 0;
}

/* Finds the path in "FROM:<path> parameters": *parameters points behind it. NULL if there is none, or a control in it
 * (RFC 5321 4.1.2), such as a bare CR that would break a line further on. */
static char *take_path(const char *argument, const char *keyword, const char **parameters)
{
    gsize length = strlen(keyword);
    gboolean quoted = FALSE;

    if (g_ascii_strncasecmp(argument, keyword, length) != 0)
        return NULL;
    argument += length;
    argument += strspn(argument, " ");
    if (*argument++ != '<')
        return NULL;
    for (const char *p = argument; *p != '\0'; p++) {
        if (g_ascii_iscntrl(*p))
            return NULL;
        if (quoted && *p == '\\' && !g_ascii_iscntrl(p[1])) {
            p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (*p == '>' && !quoted) {
            *parameters = p + 1;
            return (*parameters)[0] == '\0' || (*parameters)[0] == ' ' ? g_strndup(argument, (gsize)(p - argument))
                                                                       : NULL;
        }
    }
    return NULL;
}

static gboolean read_mail_parameters(const char *text, gint64 *size)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    *size = 0;
    for (char **word = words; *word; word++) {
        guint64 value;

        if ((*word)[0] == '\0' || g_ascii_strcasecmp(*word, "BODY=7BIT") == 0 ||
            g_ascii_strcasecmp(*word, "BODY=8BITMIME") == 0)
            continue;
        if (g_ascii_strncasecmp(*word, "SIZE=", 5) != 0 ||
            !g_ascii_string_to_unsigned(*word + 5, 10, 0, G_MAXINT64, &value, NULL))
            return FALSE;
        *size = (gint64)value;
    }
    return TRUE;
}

static void command_lhlo(Session *s, const char *argument)
{
    if (argument[0] == '\0') {
        reject(s, "501 5.5.4 LHLO needs a host name");
        return;
    }
    reset(s);
    s->greeted = TRUE;
    g_string_append_printf(s->replies, "250-%s\r\n", s->hostname);
    reply(s, "250-PIPELINING");
    reply(s, "250-8BITMIME");
    reply(s, "250-SIZE");
    reply(s, "250 ENHANCEDSTATUSCODES");
}

static void command_mail(Session *s, const char *argument)
{
    const char *parameters = NULL;
    g_autofree char *sender = take_path(argument, "FROM:", &parameters);
    gint64 size = 0;

    if (!s->greeted) {
        reject(s, "503 5.5.1 LHLO first");
    } else if (s->in_mail) {
        reject(s, "503 5.5.1 a sender is given already");
    } else if (!sender) {
        reject(s, "501 5.5.4 MAIL FROM:<address> expected");
    } else if (!read_mail_parameters(parameters, &size)) {
        reject(s, "555 5.5.4 only SIZE= and BODY=7BIT or BODY=8BITMIME are known");
    } else {
        g_autofree char *answer = s->handlers->mail(s->data, sender, size);

        s->in_mail = answer[0] == '2';
        reply(s, answer);
    }
}

static void command_rcpt(Session *s, const char *argument)
{
    const char *parameters = NULL;
    g_autofree char *recipient = take_path(argument, "TO:", &parameters);

    if (!s->in_mail) {
        reject(s, "503 5.5.1 MAIL first");
    } else if (!recipient || recipient[0] == '\0') {
        reject(s, "501 5.5.4 RCPT TO:<address> expected");
    } else if (parameters[strspn(parameters, " ")] != '\0') {
        reject(s, "555 5.5.4 RCPT has no parameters here");
    } else {
        g_autofree char *answer = s->handlers->rcpt(s->data, recipient);

        if (answer[0] == '2')
            s->recipients++;
        reply(s, answer);
    }
}

static void command_data(Session *s)
{
    DmLmtpData body;

    if (s->recipients == 0) {
        reject(s, "503 5.5.1 no recipients");
        return;
    }
    reply(s, "354 end the message with a line that is a single dot");
    if (!flush(s)) {
        s->done = TRUE;
        return;
    }
    dm_lmtp_data_init(&body, s->in);

    g_autoptr(GPtrArray) answers = s->handlers->message(s->data, &body);

    if (!dm_lmtp_data_drain(&body)) {
        s->done = TRUE;
        return;
    }
    dm_step("lmtp-answer");
    for (guint i = 0; i < answers->len; i++)
        reply(s, g_ptr_array_index(answers, i));
    if (!flush(s))
        s->done = TRUE;
    dm_step("lmtp-answered");
    s->had_message = TRUE;
    reset(s);
}

static void command_other(Session *s, const char *verb)
{
    if (g_ascii_strcasecmp(verb, "RSET") == 0) {
        reset(s);
        reply(s, "250 2.0.0 Ok");
    } else if (g_ascii_strcasecmp(verb, "NOOP") == 0) {
        reply(s, "250 2.0.0 Ok");
    } else if (g_ascii_strcasecmp(verb, "VRFY") == 0) {
        reply(s, "252 2.5.2 send mail to find out");
    } else if (g_ascii_strcasecmp(verb, "QUIT") == 0) {
        reply(s, "221 2.0.0 Bye");
        s->done = TRUE;
    } else if (g_ascii_strcasecmp(verb, "HELO") == 0 || g_ascii_strcasecmp(verb, "EHLO") == 0) {
        reject(s, "500 5.5.1 this is LMTP, say LHLO");
    } else {
        reject(s, "500 5.5.2 unknown command");
    }
}

static void dispatch(Session *s, const char *line)
{
    gsize length = strcspn(line, " ");
    g_autofree char *verb = g_strndup(line, length);
    g_autofree char *argument = g_strstrip(g_strdup(line + length));

    if (g_ascii_strcasecmp(verb, "LHLO") == 0)
        command_lhlo(s, argument);
    else if (g_ascii_strcasecmp(verb, "MAIL") == 0)
        command_mail(s, argument);
    else if (g_ascii_strcasecmp(verb, "RCPT") == 0)
        command_rcpt(s, argument);
    else if (g_ascii_strcasecmp(verb, "DATA") == 0)
        command_data(s);
    else
        command_other(s, verb);
}

static void next_command(Session *s)
{
    g_autofree char *line = NULL;

    switch (read_line(s, &line)) {
    case LINE_OK:
        dispatch(s, line);
        break;
    case LINE_TOO_LONG:
        reject(s, "500 5.5.2 line too long");
        break;
    case LINE_STOPPED:
        reply(s, "421 4.3.2 shutting down");
        s->done = TRUE;
        break;
    case LINE_TIMEOUT:
        reply(s, "421 4.4.2 timed out waiting for a command");
        s->done = TRUE;
        break;
    case LINE_BROKEN:
        s->done = TRUE;
        break;
    }
    if (!s->done && s->errors > DM_LMTP_ERRORS_MAX) {
        reply(s, "421 4.7.0 too many errors");
        s->done = TRUE;
    }
}

void dm_lmtp_serve(GInputStream *in, GOutputStream *out, const DmLmtpStop *stop, const char *hostname,
                   const DmLmtpHandlers *handlers, gpointer data)
{
    Session s = {.out = out, .stop = stop, .hostname = hostname, .handlers = handlers, .data = data};

    s.in = G_BUFFERED_INPUT_STREAM(g_buffered_input_stream_new_sized(in, BUFFER_SIZE));
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(s.in), FALSE);
    s.replies = g_string_new(NULL);
    g_string_append_printf(s.replies, "220 %s LMTP demail-poller\r\n", hostname);
    while (!s.done)
        next_command(&s);
    /* The peer may be gone already; there is nobody left to tell. */
    (void)flush(&s);
    reset(&s);
    g_string_free(s.replies, TRUE);
    g_object_unref(s.in);
}
