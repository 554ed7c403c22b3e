/*
 * Confirmations of dispatch and of receipt (PVD IO 3.5.1 and 3.5.3, PVD FU steps 38 and 69): a text and the XML
 * document. They carry neither a signature nor a PDF.
 */
#ifndef DEMAIL_SANDBOX_CONFIRMATION_H
#define DEMAIL_SANDBOX_CONFIRMATION_H

#include "common/header.h"
#include "sandbox/intent.h"

#include <glib.h>

typedef enum { DM_CONFIRM_DISPATCH, DM_CONFIRM_RECEIPT } DmConfirmationKind;

typedef struct {
    DmConfirmationKind kind;
    const char *provider_domain;
    const char *message_id;    /* of the confirmation, without brackets */
    const DmHeaders *original; /* of the copy that is confirmed, complete */
    const DmIntent *intent;    /* of its sender */
    const char *about;         /* the recipients of that copy, separated by ", " */
    const char *to;            /* who asked for it */
    const char *cc;            /* receipt: the recipient; else NULL */
} DmConfirmation;

/* X-de-mail-message-type of the kind. */
const char *dm_confirmation_type(DmConfirmationKind kind);

/* The complete header, and the body with CRLF line ends. DM_ERROR_PERMANENT if the original's header is so large that
 * the confirmation can't be made. */
DmHeaders *dm_confirmation_make(const DmConfirmation *confirmation, GByteArray **body, GError **error);

#endif
