/*
 * Messages in an mbox file (PVD IO 3.6; RFC 4155 appendix A with the quoting of qmail's mbox(5)), and back.
 *
 * A message is a From_ line, its lines each ended by LF, and an empty line. A line that begins with any number of ">"
 * and then "From " gets one more ">". Where every line of a message ends with CRLF, as it should, its lines end with LF
 * here, and CRLF comes back by reading; else its octets stay as they are, as the mere LF could not be told from CRLF.
 * Octets above 127 stay: a seal covers them. A last line without end gets one. So the original octets can be had from
 * the file and the original size. Streams; any thread.
 */
#ifndef DEMAIL_CTL_EXPORT_MBOX_H
#define DEMAIL_CTL_EXPORT_MBOX_H

#include <glib.h>

typedef enum {
    DM_MBOX_START, /* at the start of a line, or behind ">"s there */
    DM_MBOX_FROM,  /* behind a part of "From " that stands there */
    DM_MBOX_INSIDE,
} DmMboxState;

/* For one direction and one message; begin with {.crlf = …}. */
typedef struct {
    gboolean crlf; /* CRLF in the message is LF in the file */
    DmMboxState state;
    gsize matched; /* octets of "From " that are held back */
    gboolean held; /* reading: a ">" is held back; writing: a CR is */
    gboolean open; /* writing: the last line has no end yet */
} DmMbox;

/* The From_ line, its end included. The standard lets its contents be anything of the right form: it is the account
 * and the time of receipt (UTC). g_free(). */
char *dm_mbox_from_line(const char *account, gint64 received);

/* Appends to `out` what the message's next octets are in the file, and at the end what is left, the empty line
 * included. */
void dm_mbox_write(DmMbox *mbox, const char *octets, gsize length, GString *out);
void dm_mbox_write_end(DmMbox *mbox, GString *out);

/* Appends to `out` what the next octets of the file, behind the From_ line, are in the message. The line end that
 * dm_mbox_write_end() may have added and the empty line stay on: the original size tells where the message ends. */
void dm_mbox_read(DmMbox *mbox, const char *octets, gsize length, GString *out);
void dm_mbox_read_end(DmMbox *mbox, GString *out);

#endif
