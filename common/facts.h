/*
 * How the gateway is off now: what may have to be done before it is too late. Gathered from the configuration, the
 * files that it names and the journal; what only demail-poller can know it leaves in a file below state_dir
 * (common/facts_file.h). What follows from facts: common/warning.h, common/gauges.h.
 *
 * Times are seconds since the epoch; 0: not known, or not set.
 */
#ifndef DEMAIL_COMMON_FACTS_H
#define DEMAIL_COMMON_FACTS_H

#include "common/config.h"
#include "common/journal.h"

typedef struct {
    const char *name;
    const char *client_cert;
    gint64 certificate_end; /* 0: can't be read */
    gint64 send_until;
    gint64 receive_until;
} DmProviderFacts;

typedef enum { DM_PROVIDER_UNTRIED, DM_PROVIDER_DOWN, DM_PROVIDER_UP } DmProviderState;

typedef struct {
    const char *name;
    const char *provider;
    const char *account;
    gboolean polled; /* as configured, and receive_until has not passed */
    gint64 poll_interval;

    /* Only demail-poller knows these; 0 where it has not been told. */
    DmProviderState state;
    gint64 last_poll;    /* with success */
    gint64 polled_since; /* from when on a success is awaited */
    gint64 password_expires;
    gint64 quota_used; /* bytes */
    gint64 quota_total;
    gint64 unacknowledged; /* since when the oldest message of the mailbox waits; the journal's word counts as well */
} DmTenantFacts;

typedef struct {
    char *source;
    gboolean compiled; /* by demailctl postmap; else the source itself is read */
    gboolean missing;  /* what the programs read */
    gboolean stale;    /* older than its source */
    gint64 time;       /* of what the programs read */
} DmTableFacts;

typedef struct {
    const char *file;
    gint64 next_update; /* of the first list in it; 0: can't be read, or not told */
} DmCrlFacts;

/* Borrows from the configuration. */
typedef struct {
    DmConfig *config;
    GPtrArray *providers; /* of DmProviderFacts */
    GPtrArray *tenants;   /* of DmTenantFacts */
    GPtrArray *tables;    /* of DmTableFacts, each table once */
    GPtrArray *crls;      /* of DmCrlFacts */
    gint64 trust_list;    /* when the list of providers was stored */
    gint64 open_since;    /* the oldest recipient whose fate is open */
    guint submitting;     /* recipients */
    guint unknown;        /* recipients: held */
} DmFacts;

/* Facts of the configuration and the files; asks nobody on a network. What can't be read is not known. */
DmFacts *dm_facts_new(DmConfig *config, gint64 now);
void dm_facts_free(DmFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFacts, dm_facts_free)

/* Adds what the journal knows. */
gboolean dm_facts_add_journal(DmFacts *facts, DmJournal *journal, GError **error);

/* The tenant's facts, or NULL. */
DmTenantFacts *dm_facts_tenant(const DmFacts *facts, const char *name);

#endif
