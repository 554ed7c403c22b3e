/*
 * De-Mails that a provider writes itself: a text, the same as XML and as PDF, from a system address, signed (PVD IO
 * 3.4.1, PVD FU 4.3).
 */
#ifndef DEMAIL_SANDBOX_SYSTEM_LETTER_H
#define DEMAIL_SANDBOX_SYSTEM_LETTER_H

#include "sandbox/letter.h"
#include "sandbox/post.h"

#include <glib.h>

typedef struct {
    const char *type;     /* X-de-mail-message-type */
    const char *from;     /* local part of the system address */
    const char *provider; /* its domain */
    const char *to;
    const char *cc;      /* NULL: nobody */
    const char *subject; /* UTF-8 */
    const char *text;    /* UTF-8 */
    const char *xml;
    const char *pdf_text;          /* UTF-8: what the XML says */
    const char *file_name;         /* of the attachments, without suffix */
    const char *private_id;        /* a field's text, folded; NULL: none */
    gboolean private_mark;         /* X-de-mail-private: yes */
    const char *notification_type; /* NULL: none */
} DmSystemLetter;

/* The De-Mail; its body is kept in `post`. DM_ERROR_PERMANENT if its header would be too large, DM_ERROR_OS if a
 * library or the disk refuses. */
DmLetter *dm_system_letter_make(const DmSystemLetter *order, DmPost *post, GError **error);

#endif
