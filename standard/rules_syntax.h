/*
 * Forms of values that several rules need (RFC 2822 3.3, 3.6.4); obsolete zones are taken. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_RULES_SYNTAX_H
#define DEMAIL_STANDARD_RULES_SYNTAX_H

#include <glib.h>

gboolean dm_rules_is_date(const char *text);
gboolean dm_rules_is_message_id(const char *text);

#endif
