/*
 * Everything that the MTA is told about a De-Mail, in English and German: it stands in the MTA's log, and in the bounce
 * that the sender gets. One line of ASCII, "code enhanced-code text", without line end (RFC 3463). What only an
 * administrator can use, such as a library's words, is for our own log.
 */
#ifndef DEMAIL_POLLER_REPLY_H
#define DEMAIL_POLLER_REPLY_H

#include "common/config.h"
#include "common/journal.h"

/* Behind each: the words that it takes. */
typedef enum {
    DM_REPLY_UNAVAILABLE,      /* the provider can't be used; (nothing) */
    DM_REPLY_BUSY,             /* too many submissions at once; (nothing) */
    DM_REPLY_TWICE,            /* the same De-Mail is under way; (nothing) */
    DM_REPLY_INTERNAL,         /* journal, tables, the provider's driver; (nothing) */
    DM_REPLY_BROKEN,           /* the MTA's connection; (nothing) */
    DM_REPLY_OPEN,             /* the provider has not told yet; (nothing) */
    DM_REPLY_HELD,             /* the provider can't tell; recipient */
    DM_REPLY_DROPPED,          /* given up by the administrator; recipient */
    DM_REPLY_NO_TENANT,        /* (nothing) */
    DM_REPLY_TOO_LARGE,        /* most bytes, bytes */
    DM_REPLY_RECIPIENTS,       /* too many for one submission; (nothing) */
    DM_REPLY_NOT_PLAIN,        /* recipient */
    DM_REPLY_HEADER_TOO_LARGE, /* (nothing) */
    DM_REPLY_UNREADABLE,       /* no draft can be made of it; (nothing) */
    DM_REPLY_STAMP,            /* none, or none that fits; (nothing) */
    DM_REPLY_STAMP_OLD,        /* (nothing) */
    DM_REPLY_STAMP_FUTURE,     /* (nothing) */
    DM_REPLY_NOT_STAMPED,      /* recipient */
} DmReply;

#define DM_REPLY_COUNT (DM_REPLY_NOT_STAMPED + 1)

/* With the words filled in; NULL for none. Free with g_free(). */
char *dm_reply(DmReply reply, DmLanguage language, const char *first, const char *second);

/* What the provider said of a recipient. Accepted: 250 with the provider's id. Refused: 550, deferred: 451, each with
 * the provider's code, what it means, and the provider's words. Submitting and unknown: 451. Free with g_free(). */
char *dm_reply_sent(const char *recipient, const DmSent *sent, DmLanguage language);

#endif
