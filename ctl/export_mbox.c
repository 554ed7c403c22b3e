#include "ctl/export_mbox.h"

#include <string.h>
#include <time.h>

static const char from[] = "From ";

#define FROM_LENGTH (sizeof from - 1)

char *dm_mbox_from_line(const char *account, gint64 received)
{
    const time_t time = (time_t)received;
    gboolean plain = strpbrk(account, " \t\r\n") == NULL && strchr(account, '@') != NULL;
    char date[64] = "Thu Jan  1 00:00:00 1970";
    struct tm parts;

    if (gmtime_r(&time, &parts) != NULL)
        (void)strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &parts);
    return g_strdup_printf("%s%s %s\n", from, plain ? account : "MAILER-DAEMON", date);
}

/* What was held back as a part of "From ", which it is not. */
static void release_from(DmMbox *mbox, GString *out)
{
    g_string_append_len(out, from, (gssize)mbox->matched);
    mbox->matched = 0;
}

/* One octet of the file on the way in: quotes. The place of the ">" among others does not matter. */
static void quote(DmMbox *mbox, char octet, GString *out)
{
    if (mbox->state != DM_MBOX_INSIDE && octet == from[mbox->matched]) {
        mbox->state = DM_MBOX_FROM;
        if (++mbox->matched < FROM_LENGTH)
            return;
        g_string_append_c(out, '>');
        release_from(mbox, out);
        mbox->state = DM_MBOX_INSIDE;
        mbox->open = TRUE;
        return;
    }
    release_from(mbox, out);
    g_string_append_c(out, octet);
    if (octet == '\n')
        mbox->state = DM_MBOX_START;
    else if (mbox->state == DM_MBOX_FROM || octet != '>')
        mbox->state = DM_MBOX_INSIDE;
    mbox->open = octet != '\n';
}

void dm_mbox_write(DmMbox *mbox, const char *octets, gsize length, GString *out)
{
    for (gsize i = 0; i < length; i++) {
        if (mbox->held && octets[i] != '\n')
            quote(mbox, '\r', out);
        mbox->held = mbox->crlf && octets[i] == '\r';
        if (!mbox->held)
            quote(mbox, octets[i], out);
    }
}

void dm_mbox_write_end(DmMbox *mbox, GString *out)
{
    gboolean open = mbox->open || mbox->held || mbox->matched > 0;

    if (mbox->held)
        quote(mbox, '\r', out);
    release_from(mbox, out);
    g_string_append(out, open ? "\n\n" : "\n");
}

static void restore(const DmMbox *mbox, char octet, GString *out)
{
    if (octet == '\n' && mbox->crlf)
        g_string_append_c(out, '\r');
    g_string_append_c(out, octet);
}

static void release_quote(DmMbox *mbox, GString *out)
{
    if (mbox->held)
        g_string_append_c(out, '>');
    mbox->held = FALSE;
}

static void unquote(DmMbox *mbox, char octet, GString *out)
{
    if (mbox->state == DM_MBOX_START && octet == '>') {
        release_quote(mbox, out);
        mbox->held = TRUE;
        return;
    }
    if (mbox->state != DM_MBOX_INSIDE && octet == from[mbox->matched]) {
        mbox->state = DM_MBOX_FROM;
        if (++mbox->matched < FROM_LENGTH)
            return;
        mbox->held = FALSE;
        release_from(mbox, out);
        mbox->state = DM_MBOX_INSIDE;
        return;
    }
    release_quote(mbox, out);
    release_from(mbox, out);
    restore(mbox, octet, out);
    mbox->state = octet == '\n' ? DM_MBOX_START : DM_MBOX_INSIDE;
}

void dm_mbox_read(DmMbox *mbox, const char *octets, gsize length, GString *out)
{
    for (gsize i = 0; i < length; i++)
        unquote(mbox, octets[i], out);
}

void dm_mbox_read_end(DmMbox *mbox, GString *out)
{
    release_quote(mbox, out);
    release_from(mbox, out);
}
