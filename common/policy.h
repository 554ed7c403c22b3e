/*
 * The policy: one pure function from a message's envelope and header to a verdict.
 *
 * The milter calls it at the end of every message, demailctl explain calls it with what the administrator typed, the
 * unit tests call it with a table. It does no I/O but look-ups in the gateway's tables, and keeps no state. It may be
 * called from any thread.
 */
#ifndef DEMAIL_COMMON_POLICY_H
#define DEMAIL_COMMON_POLICY_H

#include "common/gateway.h"
#include "common/header.h"
#include "common/refusal.h"

#include <glib.h>

typedef struct {
    const char *address; /* as the MTA gave it, with or without angle brackets */
    const char *orcpt;   /* the client's ORCPT=, without the keyword; or NULL */
    const char *notify;  /* the client's NOTIFY=; or NULL */
} DmRequestRecipient;

typedef struct {
    const char *client_address; /* numeric, or NULL if unknown */
    const char *login;          /* SMTP AUTH, or NULL */
    const char *sender;         /* envelope sender as the MTA gave it; "" or "<>" for the null sender */
    const DmRequestRecipient *recipients;
    gsize n_recipients;
    const DmHeaders *headers;  /* at least the fields for which dm_policy_needs_field() is true */
    gboolean header_too_large; /* some of these fields were left out for want of space */
    gboolean reserved_lost;    /* a reserved field was among them */
    const char *gateway_id;    /* for this message, should it become a De-Mail */
    gint64 now;                /* seconds since the epoch */
    gboolean trace;            /* fill the verdict's trace */
} DmRequest;

typedef enum {
    DM_VERDICT_ORDINARY, /* e-mail: edits may still clean the header, own De-Mail addresses become local */
    DM_VERDICT_DEMAIL,   /* rewrite, stamp and divert */
    DM_VERDICT_AGAIN,    /* decided and stamped by us before: passes untouched */
    DM_VERDICT_REFUSE,
} DmVerdictKind;

typedef enum { DM_ROUTE_KEEP, DM_ROUTE_DIVERT, DM_ROUTE_LOCAL } DmRouteKind;

typedef struct {
    DmRouteKind kind;
    char *address;    /* where the recipient goes now; NULL with DM_ROUTE_KEEP */
    char *demail;     /* DM_ROUTE_DIVERT: the De-Mail address, lower case */
    char *parameters; /* ESMTP parameters for the new recipient: ORCPT, and NOTIFY if the client gave it */
} DmRoute;

/* A change to the header. The edits are in the order in which they are to be made: deletions from the bottom up, then
 * the subject, then insertions at the top, the topmost last. */
typedef enum { DM_EDIT_DELETE, DM_EDIT_CHANGE, DM_EDIT_INSERT } DmEditKind;

typedef struct {
    DmEditKind kind;
    char *name;
    guint n;     /* which field of that name, from 1; not for DM_EDIT_INSERT */
    char *value; /* without leading blank, folded with "\n "; NULL for DM_EDIT_DELETE */
} DmEdit;

typedef struct {
    DmVerdictKind kind;

    DmRefusal refusal; /* DM_VERDICT_REFUSE */
    char *text;        /* its text in the configured language */
    char *detail;      /* for the log only: what a table said, or NULL */

    DmRoute *routes; /* one per recipient; NULL with DM_VERDICT_REFUSE and _AGAIN */
    gsize n_routes;
    GArray *edits; /* of DmEdit */

    const DmTenantConfig *tenant; /* DM_VERDICT_DEMAIL; lives as long as the gateway */
    char *sender;                 /* the tenant's De-Mail address */
    guint options;
    char *unit; /* organisational unit, or NULL */

    GPtrArray *trace; /* of char *, one line per rule in the order of judging; NULL unless asked for */
} DmVerdict;

/* An MTA takes seconds to delete this many fields, and gives up at thousands: a message with more reserved fields is
 * refused. */
#define DM_RESERVED_FIELDS_MAX 200

/* Whether the policy wants to see fields of this name. */
gboolean dm_policy_needs_field(const char *name);

/* Judges. Always gives a verdict: a table that can't be read makes a De-Mail DM_VERDICT_REFUSE with a tempfail and
 * leaves ordinary mail alone. Clear with dm_verdict_clear(). */
void dm_policy_decide(const DmGateway *gateway, const DmRequest *request, DmVerdict *verdict);

void dm_verdict_clear(DmVerdict *verdict);

#endif
