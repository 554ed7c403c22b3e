/*
 * A De-Mail on its way between providers: its complete header, its body, and what the steps on the way need to know of
 * it (PVD FU 6.3 to 6.5). Belongs to one thread.
 */
#ifndef DEMAIL_SANDBOX_LETTER_H
#define DEMAIL_SANDBOX_LETTER_H

#include "common/header.h"
#include "sandbox/message.h"

#include <glib.h>

#define DM_FIELD_ENVELOPE_TO "Envelope-to"

typedef struct {
    DmHeaders *headers; /* without Envelope-to */
    DmSlice body;
    char *type;       /* X-de-mail-message-type */
    char *sender;     /* X-de-mail-sender */
    char *answer_to;  /* who gets confirmations and notifications: Reply-To (PVD FU steps 38, 45, 69), else sender */
    char *private_id; /* the field's text, folded; NULL: none */
    char *private_id_text; /* decoded, or empty */
    guint options;
} DmLetter;

/* Takes `headers`, which are complete; copies `body`. */
DmLetter *dm_letter_new(DmHeaders *headers, const DmSlice *body);
void dm_letter_free(DmLetter *letter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLetter, dm_letter_free)

/* The first address in the field; NULL if there is none. Free with g_free(). */
char *dm_letter_first_address(const DmHeaders *headers, const char *name);

/* Whether it was forwarded (PVD IO 3.2): nobody is to confirm it again. */
gboolean dm_letter_is_forwarded(const DmLetter *letter);

#endif
