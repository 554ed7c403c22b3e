#include "common/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define VALUE_MAX 512

/* Set once by dm_log_open() before any thread starts; read only afterwards. */
static struct {
    const char *program;
    gboolean to_stderr;
    gboolean verbose;
} sink;

void dm_log_open(const char *program, gboolean to_stderr, gboolean verbose)
{
    sink.program = program;
    sink.to_stderr = to_stderr;
    sink.verbose = verbose;
    if (!to_stderr)
        openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

gboolean dm_log_is_stderr(void)
{
    return sink.to_stderr;
}

static gboolean is_bare(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(text[i]) || text[i] == '"' || text[i] == '\\')
            return FALSE;
    }
    return length > 0;
}

static void append_quoted(GString *line, const char *text, gsize length)
{
    const char *end = text + length;

    g_string_append_c(line, '"');
    while (text < end) {
        gunichar c = g_utf8_get_char_validated(text, end - text);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(line, "\\x%02x", (guint)(guchar)*text++);
            continue;
        }
        if (c == '"' || c == '\\')
            g_string_append_printf(line, "\\%c", (char)c);
        else if (!g_unichar_isprint(c))
            g_string_append_printf(line, "\\u%04x", c);
        else
            g_string_append_unichar(line, c);
        text = g_utf8_next_char(text);
    }
    g_string_append_c(line, '"');
}

char *dm_log_format(const char *event, const DmLogField *fields)
{
    GString *line = g_string_new("event=");

    g_string_append(line, event);
    for (const DmLogField *f = fields; f->key != NULL; f++) {
        if (f->is_number) {
            g_string_append_printf(line, " %s=%" G_GINT64_FORMAT, f->key, f->number);
            continue;
        }
        if (f->text == NULL)
            continue;
        gsize length = strnlen(f->text, VALUE_MAX);
        g_string_append_printf(line, " %s=", f->key);
        if (is_bare(f->text, length))
            g_string_append_len(line, f->text, (gssize)length);
        else
            append_quoted(line, f->text, length);
    }
    return g_string_free(line, FALSE);
}

static const char *level_name(DmLogLevel level)
{
    switch (level) {
    case DM_LOG_ERROR:
        return "error";
    case DM_LOG_WARNING:
        return "warning";
    case DM_LOG_INFO:
        return "info";
    case DM_LOG_DEBUG:
        return "debug";
    }
    return "info";
}

static int level_priority(DmLogLevel level)
{
    switch (level) {
    case DM_LOG_ERROR:
        return LOG_ERR;
    case DM_LOG_WARNING:
        return LOG_WARNING;
    case DM_LOG_INFO:
        return LOG_INFO;
    case DM_LOG_DEBUG:
        return LOG_DEBUG;
    }
    return LOG_INFO;
}

/* One write(2) a line, so that lines of several threads and programs do not mix. */
static void write_stderr(DmLogLevel level, const char *text)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *when = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
    g_autofree char *line =
        g_strdup_printf("%s.%03dZ %s[%d] level=%s %s\n", when, g_date_time_get_microsecond(now) / 1000,
                        sink.program != NULL ? sink.program : "demail", (int)getpid(), level_name(level), text);
    gsize length = strlen(line);

    for (gsize done = 0; done < length;) {
        gssize n = write(STDERR_FILENO, line + done, length - done);
        if (n <= 0)
            return;
        done += (gsize)n;
    }
}

void dm_log_fields(DmLogLevel level, const char *event, const DmLogField *fields)
{
    if (level == DM_LOG_DEBUG && !sink.verbose)
        return;

    g_autofree char *text = dm_log_format(event, fields);
    if (sink.to_stderr)
        write_stderr(level, text);
    else
        syslog(level_priority(level), "level=%s %s", level_name(level), text);
}
