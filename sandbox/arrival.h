/*
 * What the recipient's provider does with a De-Mail (PVD FU 6.4 and 6.5, steps 41 to 75): delivers it into the mailbox,
 * confirms, forwards or sends it on, or notifies the sender why not.
 */
#ifndef DEMAIL_SANDBOX_ARRIVAL_H
#define DEMAIL_SANDBOX_ARRIVAL_H

#include "sandbox/letter.h"
#include "sandbox/post.h"

#include <glib.h>

/* The letter comes to the provider of `address`. What it makes goes on the same way, to its recipients. FALSE only if
 * the system failed. */
gboolean dm_arrival(DmPost *post, const DmLetter *letter, const char *address, GError **error);

/* The same for every address to which a system letter goes; takes the letter. NULL with `error` set: FALSE. */
gboolean dm_arrival_of_system_letter(DmPost *post, DmLetter *letter, const char *to, const char *cc, GError **error);

#endif
