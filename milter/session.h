/*
 * One MTA connection: what the milter has heard of the present message. Knows no libmilter.
 *
 * A session lives from connect to close and carries one message at a time; dm_session_mail() begins one and
 * dm_session_reset() forgets it (at its end, its abort, and before the next). Used from one thread at a time.
 */
#ifndef DEMAIL_MILTER_SESSION_H
#define DEMAIL_MILTER_SESSION_H

#include "common/gateway.h"
#include "common/policy.h"

#include <glib.h>
#include <sys/socket.h>

typedef struct {
    gboolean leading_space; /* negotiated: values come, and must be given, with their leading blank */
    char *client_address;   /* numeric, or NULL */

    DmGateway *gateway; /* the snapshot of this message; NULL between messages */
    char *login;        /* or NULL */
    char *sender;
    GArray *recipients; /* of DmRequestRecipient, strings owned */
    DmHeaders *headers; /* fields that the policy needs */
    gboolean header_too_large;
    gboolean reserved_lost;

    gboolean decided; /* the two that follow are there */
    char *gateway_id;
    DmVerdict verdict;
} DmSession;

DmSession *dm_session_new(gboolean leading_space);
void dm_session_free(DmSession *session);

/* `address` may be NULL (unknown family). */
void dm_session_connect(DmSession *session, const struct sockaddr *address);

/* Begins a message. `arguments` is NULL-terminated: the address, then ESMTP parameters. `login` may be NULL. */
void dm_session_mail(DmSession *session, char *const *arguments, const char *login);
void dm_session_rcpt(DmSession *session, char *const *arguments);
void dm_session_header(DmSession *session, const char *name, const char *value);
void dm_session_reset(DmSession *session);

/* Makes the verdict on the message as heard so far, and its gateway id, unless they are there. FALSE with DM_ERROR_OS if
 * the system has no random numbers. */
gboolean dm_session_decide(DmSession *session, GError **error);

/* Whether the message, which is decided, goes on as it came. */
gboolean dm_session_is_untouched(const DmSession *session);

/* The stamp for a DM_VERDICT_DEMAIL: over the header as it will stand in the queue. Free with g_free(). */
char *dm_session_stamp(const DmSession *session, const char *queue_id, GError **error);

#endif
