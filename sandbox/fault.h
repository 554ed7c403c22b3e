/*
 * Faults that a test orders for calls to come. All functions may be called from any thread.
 */
#ifndef DEMAIL_SANDBOX_FAULT_H
#define DEMAIL_SANDBOX_FAULT_H

#include "sandbox/json.h"
#include "sandbox/reply.h"

#include <glib.h>

typedef enum {
    DM_FAULT_DENY,            /* a result for one recipient */
    DM_FAULT_UNDELIVERABLE,   /* one recipient's provider notifies the sender */
    DM_FAULT_MALWARE,         /* one recipient's provider finds malware */
    DM_FAULT_DELAY,           /* the answer comes later */
    DM_FAULT_LATE_ANSWER,     /* the call is done, the answer kept back until so long after the call */
    DM_FAULT_STATUS,          /* an HTTP status instead of the call */
    DM_FAULT_LOSE_ANSWER,     /* the call is done, the connection closed without an answer */
    DM_FAULT_TRUNCATE_ANSWER, /* the call is done, half of the answer's body is sent */
    DM_FAULT_ENDLESS_ANSWER,  /* the call is done, the answer's body never ends */
    DM_FAULT_SLOW_ANSWER,     /* the call is done, the answer's body comes byte by byte */
    DM_FAULT_ANSWER,          /* this answer instead of the call */
    DM_FAULT_CHANGE_ANSWER,   /* the call is done, its answer changed to this one */
} DmFaultKind;

typedef struct {
    DmFaultKind kind;
    char *method;  /* empty: any */
    char *path;    /* prefix */
    char *query;   /* an argument that the call must have; empty: any call */
    char *address; /* of the recipient (deny, undeliverable, malware) */
    char *code;    /* deny: of the API; undeliverable: X-de-mail-notification-type */
    gboolean retryable;
    guint status;      /* 200 to 599; 0: as it was (change-answer) */
    guint retry_after; /* seconds; 0: not told */
    double seconds;    /* delay; of a late answer, after the call; between two bytes of a slow answer */
    char *body;        /* of the answer; NULL: as it was */
    GPtrArray *fields; /* char *: name, value, name, value, in the place of the answer's own */
    gint64 times;      /* still to come */
} DmFault;

void dm_fault_free(DmFault *fault);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFault, dm_fault_free)

typedef struct DmFaults DmFaults;

DmFaults *dm_faults_new(void);
void dm_faults_free(DmFaults *faults);

/* Reads an order as the API takes it; NULL when done, else what is wrong with it. Without "method" and "path" a status
 * or an answer instead of the call hits any call below /v1, the others only submissions. */
const char *dm_faults_add(DmFaults *faults, const json_t *order);
void dm_faults_clear(DmFaults *faults);

/* Uses up and returns (a copy of) the oldest fault of that kind for this call, or NULL; `query`: its
 * arguments by name. */
DmFault *dm_faults_take(DmFaults *faults, DmFaultKind kind, const char *method, const char *path, GHashTable *query);

/* The same for one recipient. */
DmFault *dm_faults_take_for(DmFaults *faults, DmFaultKind kind, const char *address);

/* Puts what an answer or change-answer fault names in the place of what `reply` has. */
void dm_fault_change(const DmFault *fault, DmReply *reply);

/* Sleeps until so long after `start` (monotonic microseconds), but not beyond dm_faults_clear() or dm_faults_stop(). */
void dm_faults_sleep(DmFaults *faults, gint64 start, double seconds);
void dm_faults_stop(DmFaults *faults);

#endif
