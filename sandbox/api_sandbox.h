/*
 * Calls below /sandbox, for tests and trials: acting as the other side, ordering faults, counting. Each takes a
 * complete request and makes a reply.
 */
#ifndef DEMAIL_SANDBOX_API_SANDBOX_H
#define DEMAIL_SANDBOX_API_SANDBOX_H

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

DmReply *dm_api_sandbox_send(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_mailbox(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_raw(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_draft(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_login(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_identify(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_seal(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_fault(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_clear(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_sandbox_stats(DmSandbox *sandbox, DmRequest *request);

#endif
