/*
 * POST /messages. dm_api_submit_prepare() runs before the body is read (as dm_api_begin()): it checks the fields of the
 * header, claims the idempotency key and sets up the upload.
 */
#ifndef DEMAIL_SANDBOX_API_SUBMIT_H
#define DEMAIL_SANDBOX_API_SUBMIT_H

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

DmReply *dm_api_submit_prepare(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_submit(DmSandbox *sandbox, DmRequest *request);

#endif
