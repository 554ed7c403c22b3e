/*
 * What a provider's result means to an MTA: one line of ASCII, "code enhanced-code <recipient>: text", without line
 * end (RFC 3463). Free with g_free().
 */
#ifndef DEMAIL_POLLER_REPLY_H
#define DEMAIL_POLLER_REPLY_H

#include "common/journal.h"

/* Accepted: 250 with the provider's id. Refused: 550, deferred: 451, each with the provider's code and words.
 * Submitting: 451, for its fate is not known yet. Unknown: 451, until the administrator has decided. */
char *dm_reply_sent(const char *recipient, const DmSent *sent);

/* `prefix` ("451 4.3.0") and `text` as one line, made ASCII. */
char *dm_reply_line(const char *prefix, const char *text);

#endif
