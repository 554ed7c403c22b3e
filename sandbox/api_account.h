/*
 * Calls about sessions, the account and the directory. Each takes a complete request and makes a reply.
 */
#ifndef DEMAIL_SANDBOX_API_ACCOUNT_H
#define DEMAIL_SANDBOX_API_ACCOUNT_H

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

DmReply *dm_api_login(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_logout(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_account(DmSandbox *sandbox, DmRequest *request);
DmReply *dm_api_directory(DmSandbox *sandbox, DmRequest *request);

#endif
