/*
 * Address lists before GMime reads them: GMime 3.2 forgets to free what it read of an address that turns out to be
 * none, and strangers may write as many of those as they like.
 */
#ifndef DEMAIL_COMMON_ADDRESS_TEXT_H
#define DEMAIL_COMMON_ADDRESS_TEXT_H

#include <glib.h>

#define DM_GROUPS_MAX    1000
#define DM_MAILBOXES_MAX 10000

/* Whether the list has more than DM_GROUPS_MAX colons or DM_MAILBOXES_MAX commas, and must not be read: GMime recurses
 * into groups, and words without domain cost it quadratic time. */
gboolean dm_address_text_is_crowded(const char *line);

/* `line`, an unfolded address list, without the elements that GMime would stumble over: unbalanced quotes, comments and
 * brackets, two addresses without a comma, separators within quotes where no mailbox can be. *whole: nothing was left
 * out. Any bytes; any thread. Free with g_free(). */
char *dm_address_text_readable(const char *line, gboolean *whole);

#endif
