/*
 * The provider as a whole: what every call of the API works on.
 */
#ifndef DEMAIL_SANDBOX_SANDBOX_H
#define DEMAIL_SANDBOX_SANDBOX_H

#include "sandbox/accounts.h"
#include "sandbox/fault.h"
#include "sandbox/seal.h"
#include "sandbox/session.h"
#include "sandbox/store.h"

#include <glib.h>

/* What has happened since the start; atomic. */
typedef struct {
    gint connections;    /* TCP */
    gint tls_handshakes; /* completed */
    gint requests;
    gint posts; /* of messages, received completely */
} DmStats;

typedef struct {
    DmAccounts *accounts;
    DmSeal *seal;
    DmStore *store;
    DmSessions *sessions;
    DmFaults *faults;
    DmStats stats;
    GMutex logins; /* one confirmation of retrieve per De-Mail */
} DmSandbox;

#endif
