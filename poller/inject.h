/*
 * Hands a message to the MTA by SMTP (libcurl). One call is one transaction; the connection may be kept for the next.
 */
#ifndef DEMAIL_POLLER_INJECT_H
#define DEMAIL_POLLER_INJECT_H

#include "common/error.h"

#include <glib.h>
#include <sys/types.h>

/* Keeps the connection between transactions. Belongs to one thread at a time. */
typedef struct DmInjector DmInjector;

DmInjector *dm_injector_new(void);

/* Takes leave of the MTA, where there is a connection. */
void dm_injector_free(DmInjector *injector);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmInjector, dm_injector_free)

typedef struct {
    DmInjector *injector; /* NULL: the connection is only for this */
    const char *url;      /* smtp://HOST:PORT */
    const char *sender;   /* envelope sender */
    const GString *head;  /* the header with its empty line, CRLF */
    int fd;               /* the body is what follows `body` in it; the file's position does not matter */
    off_t body;
    off_t size; /* of the file */
} DmInjection;

typedef enum {
    DM_INJECT_DONE,     /* the MTA took the message for all recipients */
    DM_INJECT_REFUSED,  /* the MTA refused for good (5xx): at least one of the recipients, the sender or the message */
    DM_INJECT_DEFERRED, /* the MTA said 4xx before the message: to at least one of the recipients, or to the sender */
    DM_INJECT_LATER,    /* 4xx to the message, or no MTA: it did not take it for anybody */
    DM_INJECT_UNSURE,   /* the connection broke when the MTA may have had it all */
} DmInjectResult;

/* `recipients` is NULL-terminated. *error tells why not, with the MTA's words, as
 * DM_ERROR_UNAVAILABLE if no MTA answered or it is closing (421). A bare LF is sent
 * as CRLF: to an SMTP server it could mean the end of the message. A kept connection that the MTA has ended meanwhile
 * is no failure: a new one takes its place. */
DmInjectResult dm_inject(const DmInjection *injection, char *const *recipients, GError **error);

#endif
