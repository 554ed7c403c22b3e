/*
 * Notifications: what a provider could not do with a De-Mail (PVD IO 3.5.2, PVD FU steps 45 and 56, FU 3.1.3.2).
 */
#ifndef DEMAIL_SANDBOX_NOTIFICATION_H
#define DEMAIL_SANDBOX_NOTIFICATION_H

#include "sandbox/letter.h"
#include "sandbox/post.h"

#include <glib.h>

typedef struct {
    const char *provider; /* domain of the one who notifies */
    const char *type;     /* X-de-mail-notification-type: see dm_notification_type() */
    gboolean malware;     /* a malware-notification */
    const DmLetter *original;
    const char *to;
    const char *cc;       /* NULL: nobody */
    const char *subject;  /* UTF-8, before the original's subject */
    const char *sentence; /* UTF-8, names the recipient */
} DmNotification;

/* Errors as dm_system_letter_make(). */
DmLetter *dm_notification_make(const DmNotification *notification, DmPost *post, GError **error);

/* The same text as a constant if it is one of table 22 of PVD IO: unknown-recipient, closed-account, invalid-format,
 * other. Else NULL. */
const char *dm_notification_type(const char *text);

#endif
