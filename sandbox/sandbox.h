/*
 * The provider as a whole: what every call of the API works on.
 */
#ifndef DEMAIL_SANDBOX_SANDBOX_H
#define DEMAIL_SANDBOX_SANDBOX_H

#include "sandbox/accounts.h"
#include "sandbox/fault.h"
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
    const char *domain; /* of the provider: system addresses, message ids, d= of the integrity */
    DmAccounts *accounts;
    DmStore *store;
    DmSessions *sessions;
    DmFaults *faults;
    DmStats stats;
} DmSandbox;

#endif
