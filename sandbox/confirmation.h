/*
 * Confirmations of dispatch, receipt and retrieve, and that of malware (PVD IO 3.5.1 and 3.5.3, PVD FU steps 38, 56 and
 * 69).
 */
#ifndef DEMAIL_SANDBOX_CONFIRMATION_H
#define DEMAIL_SANDBOX_CONFIRMATION_H

#include "sandbox/letter.h"
#include "sandbox/post.h"

#include <glib.h>

typedef enum { DM_CONFIRM_DISPATCH, DM_CONFIRM_RECEIPT, DM_CONFIRM_RETRIEVE, DM_CONFIRM_MALWARE } DmConfirmationKind;

typedef struct {
    DmConfirmationKind kind;
    const char *provider; /* domain of the one who confirms */
    const DmLetter *original;
    const char *about; /* dispatch: the recipients of that copy, separated by ", "; else the one recipient, who gets a
                          copy */
    gint64 delivered;  /* retrieve: when the original came into the mailbox, seconds since 1970 */
} DmConfirmation;

/* To the original's `answer_to`. Errors as dm_system_letter_make(). */
DmLetter *dm_confirmation_make(const DmConfirmation *confirmation, DmPost *post, GError **error);

#endif
