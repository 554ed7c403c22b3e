/*
 * A strict reader of mailboxes (RFC 2822 3.4), for judging what others wrote: GMime's reader forgives empty elements,
 * missing brackets and more. Groups, domain literals and obsolete forms are errors. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_MAILBOX_H
#define DEMAIL_STANDARD_MAILBOX_H

#include <glib.h>

/* Skips blanks and comments; FALSE if a comment does not end. */
gboolean dm_mailbox_skip_blanks(const char **at);

/* Reads one mailbox, blanks and comments around it included: addr-spec or name-addr, of an unfolded value. Returns
 * local@domain as written, without comments; NULL if there is none. g_free(). */
char *dm_mailbox_read(const char **at);

/* Reads a bare addr-spec that fills the text. NULL if it is none. g_free(). */
char *dm_mailbox_read_address(const char *text);

/* Reads a whole list separated by commas: an array of char *. NULL if it is none. g_ptr_array_unref(). */
GPtrArray *dm_mailbox_read_list(const char *text);

#endif
