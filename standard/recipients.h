/*
 * X-de-mail-chosen-recipient and X-de-mail-actual-recipient judged by their grammar (PVD IO 3.1.8, 3.1.15). Pure; any
 * thread.
 */
#ifndef DEMAIL_STANDARD_RECIPIENTS_H
#define DEMAIL_STANDARD_RECIPIENTS_H

#include "common/demail.h"
#include "standard/findings.h"

#include <glib.h>

/* Reads an unfolded value. Adds recipient.syntax, recipient.duplicate-element, recipient.bcc-several. FALSE if it can't
 * be read to its end; what was read then stands in `chosen`. Clear that with dm_chosen_clear() in any case. */
gboolean dm_recipients_read(const char *text, DmChosen *chosen, DmFindings *findings);

#endif
