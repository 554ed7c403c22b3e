/*
 * The answer to one call: a status and JSON, a problem (RFC 9457), or a stored message.
 */
#ifndef DEMAIL_SANDBOX_REPLY_H
#define DEMAIL_SANDBOX_REPLY_H

#include "sandbox/json.h"
#include "sandbox/message.h"

#include <glib.h>

typedef struct {
    guint status;
    const char *content_type; /* NULL: no body */
    char *body;               /* NULL: none, or the message */
    DmMessageReader *message; /* NULL: `body` */
    gint64 offset;            /* of the message: what is sent */
    gint64 length;
    GPtrArray *headers; /* char *: name, value, name, value */
    gboolean drop;      /* close the connection instead of answering */
    gboolean truncate;  /* send half of the body, then close */
    gboolean endless;   /* behind the body, blanks for ever */
    double pause;       /* seconds between two bytes of the body */
} DmReply;

DmReply *dm_reply_new(guint status);
void dm_reply_free(DmReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmReply, dm_reply_free)

/* Takes `json`. */
DmReply *dm_reply_json(guint status, json_t *json);

/* type urn:demail:problem:`code`. */
DmReply *dm_reply_problem(guint status, const char *code, gboolean retryable, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* A problem with one member more; takes `value`. */
DmReply *dm_reply_problem_with(guint status, const char *code, const char *detail, const char *member, json_t *value);

/* 500 for a failure of the sandbox itself; logs it. */
DmReply *dm_reply_failure(const GError *problem);

void dm_reply_add_header(DmReply *reply, const char *name, const char *value);

/* In the place of what it has of that name, or of its body. */
void dm_reply_set_header(DmReply *reply, const char *name, const char *value);
void dm_reply_set_body(DmReply *reply, const char *text);

#endif
