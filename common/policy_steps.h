/*
 * The steps of the policy; private to policy*.c. Each returns TRUE to go on, or FALSE after it has settled the verdict.
 */
#ifndef DEMAIL_COMMON_POLICY_STEPS_H
#define DEMAIL_COMMON_POLICY_STEPS_H

#include "common/address.h"
#include "common/policy.h"

typedef struct {
    const DmGateway *gateway;
    const DmConfig *config;
    const DmRequest *request;
    DmVerdict *verdict;
    DmTableReader *domains;
    DmRecipientKind *kinds; /* one per recipient */
    char *from;             /* the e-mail address that sends, lower case */
    guint allowed;          /* options that `senders` gives */
} DmPolicy;

/* Settles the verdict as a refusal; always FALSE. */
gboolean dm_policy_refuse(DmPolicy *policy, DmRefusal refusal, const char *first, const char *second);

/* Settles the verdict as a tempfail because of `error`, which is freed; always FALSE. */
gboolean dm_policy_tempfail(DmPolicy *policy, GError *error);

/* A line for the trace, if one is kept. */
void dm_policy_note(DmPolicy *policy, const char *format, ...) G_GNUC_PRINTF(2, 3);

void dm_policy_edit(DmPolicy *policy, DmEditKind kind, const char *name, guint n, const char *value);

/* The first recipient that is to be diverted, for texts. */
const char *dm_policy_first_demail(const DmPolicy *policy);

/* Who sends: exactly one From, bound to envelope sender and login; the tenant. */
gboolean dm_policy_identify_sender(DmPolicy *policy);

/* Whether that sender may send De-Mail, and under which address. */
gboolean dm_policy_authorise_sender(DmPolicy *policy);

/* Mixed addressing over envelope and header. */
gboolean dm_policy_check_mixed(DmPolicy *policy);

#endif
