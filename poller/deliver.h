/*
 * De-Mail over LMTP: what the MTA hands over becomes submissions to the provider. The barrier stands here: nothing
 * leaves without the milter's stamp.
 *
 * MAIL is deferred while the provider of the sender's tenant can't be used; RCPT takes diverted recipients only; the
 * message needs a stamp that verifies and covers the recipient. The header is held in memory, the body streams.
 */
#ifndef DEMAIL_POLLER_DELIVER_H
#define DEMAIL_POLLER_DELIVER_H

#include "poller/archives.h"
#include "poller/channel.h"
#include "poller/lmtp.h"
#include "poller/submit.h"

/* Shared by all connections; all are lent. */
typedef struct {
    DmChannels *channels;
    DmSubmitter *submitter;
    DmArchives *archives;
} DmDelivery;

typedef struct DmDeliverSession DmDeliverSession;

/* For handlers whose data is a DmDeliverSession, one per connection. */
extern const DmLmtpHandlers dm_deliver_handlers;

DmDeliverSession *dm_deliver_session_new(const DmDelivery *delivery);
void dm_deliver_session_free(DmDeliverSession *session);

#endif
