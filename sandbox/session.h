/*
 * Logins: bearer tokens with an end, and accounts that are blocked after three wrong passwords in a row (until the
 * sandbox is started again). All functions may be called from any thread.
 */
#ifndef DEMAIL_SANDBOX_SESSION_H
#define DEMAIL_SANDBOX_SESSION_H

#include "sandbox/accounts.h"

#include <glib.h>

typedef struct DmSessions DmSessions;

typedef enum { DM_LOGIN_DONE, DM_LOGIN_WRONG_PASSWORD, DM_LOGIN_BLOCKED } DmLoginResult;

typedef struct {
    guint64 logins;   /* that succeeded */
    guint64 failures; /* wrong password or blocked */
} DmSessionCounts;

/* `lifetime` of a token in seconds. */
DmSessions *dm_sessions_new(gint64 lifetime);
void dm_sessions_free(DmSessions *sessions);

gint64 dm_sessions_lifetime(const DmSessions *sessions);

/* `account` may be NULL: an unknown name is a wrong password. *token: free with g_free(). `*attempts_left` is set with
 * DM_LOGIN_WRONG_PASSWORD. *token = NULL with DM_LOGIN_DONE: the system had no random numbers. */
DmLoginResult dm_sessions_login(DmSessions *sessions, const DmAccount *account, const char *password, char **token,
                                guint *attempts_left);

/* The account that the token stands for; NULL if it is unknown or has ended. */
const DmAccount *dm_sessions_check(DmSessions *sessions, const char *token);

void dm_sessions_end(DmSessions *sessions, const char *token);
void dm_sessions_end_all(DmSessions *sessions);

DmSessionCounts dm_sessions_counts(DmSessions *sessions);

#endif
