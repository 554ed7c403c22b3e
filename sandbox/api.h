/*
 * The REST API, version 1, and the calls below /sandbox: routing, sessions and faults. The handlers are in the other
 * api_*.h; each takes a complete request and makes a reply.
 */
#ifndef DEMAIL_SANDBOX_API_H
#define DEMAIL_SANDBOX_API_H

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

/* Before the body is read: finds the route, checks the session and what the header says. NULL: go on, give the body to
 * request->upload if it is set, else to dm_request_add_body(). Otherwise the answer, and the body is not wanted. */
DmReply *dm_api_begin(DmSandbox *sandbox, DmRequest *request);

/* After the body: the answer. */
DmReply *dm_api_finish(DmSandbox *sandbox, DmRequest *request);

/* At the end of every request, answered or not. Frees it. */
void dm_api_end(DmSandbox *sandbox, DmRequest *request);

#endif
