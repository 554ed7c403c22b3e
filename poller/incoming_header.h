/*
 * What the gateway changes in the header of a De-Mail that it hands to the MTA: X-Demail-* and Authentication-Results
 * that came with it are forged, or of no use here, and go; our own come in, the subject gets its prefix, a message
 * about another one its place in the thread. All else stays byte for byte; nothing of it is covered by
 * X-de-mail-integrity but the subject, whose prefix is what the configuration wants.
 */
#ifndef DEMAIL_POLLER_INCOMING_HEADER_H
#define DEMAIL_POLLER_INCOMING_HEADER_H

#include "common/header.h"
#include "poller/judgement.h"

typedef struct {
    const DmHeaders *demail; /* the header of the De-Mail that was judged; may be the header that is marked */
    const DmJudgement *judgement;
    const char *authserv_id;    /* RFC 8601 2.5: the tenant's e-mail domain */
    const char *subject_prefix; /* may be empty; a subject that begins with it already is left alone */
    const char *thread;         /* Message-ID, with brackets, of the message that it is about; NULL: leave the thread */
    gboolean redelivered;       /* the MTA may have this message already */
} DmIncomingMark;

void dm_incoming_mark(DmHeaders *headers, const DmIncomingMark *mark);

#endif
