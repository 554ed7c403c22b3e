/*
 * Calls about messages in the account's mailbox, and about idempotency keys. Each takes a complete request and makes a
 * reply.
 */
#ifndef DEMAIL_SANDBOX_API_MESSAGES_H
#define DEMAIL_SANDBOX_API_MESSAGES_H

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

/* GET /messages: with ?key= what became of a key, else a folder. */
DmReply *dm_api_messages(DmSandbox *sandbox, DmRequest *request);

DmReply *dm_api_message(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_raw(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_ack(DmSandbox *sandbox, DmRequest *request);

/* The bytes of a message, all or the range that the request asks for. */
DmReply *dm_api_reply_raw(DmSandbox *sandbox, const DmRequest *request, const DmMessage *message);

#endif
