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
    DmDomains domains;
    DmRecipientKind *kinds; /* one per recipient */
    gboolean map_read;      /* whether `map` tells */
    DmTableReader *map;     /* the tenant's address_map, or NULL without one */
    char *from;             /* the e-mail address that sends, lower case */
    guint allowed;          /* options that `senders` gives */
    guint asked;            /* options that the client chose, before what they imply */
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

/* dm_map_to_email() of the verdict's tenant, in the state that its table had at the message's first look-up. */
gboolean dm_policy_map_to_email(DmPolicy *policy, const char *demail, char **email, GError **error);

/* Forgets the routes of a verdict that has none. */
void dm_policy_drop_routes(DmVerdict *verdict);

/* The kind of every recipient into policy->kinds, and whether any is not ordinary. */
gboolean dm_policy_judge_recipients(DmPolicy *policy, gboolean *any);

/* Whether the submission is trusted: SMTP AUTH, or a client in trusted_clients. Settles nothing. */
gboolean dm_policy_check_trust(DmPolicy *policy);

/* Refuses untrusted submissions, forms that we do not divert, and the divert domain itself; recognises a message that
 * was stamped before. */
gboolean dm_policy_check_recipients(DmPolicy *policy);

/* Routes: own De-Mail addresses become local, the others are diverted. `*any` tells whether one is diverted. */
gboolean dm_policy_route_recipients(DmPolicy *policy, gboolean *any);

/* Who sends: exactly one From, bound to envelope sender and login; the tenant. */
gboolean dm_policy_identify_sender(DmPolicy *policy);

/* Whether that sender may send De-Mail, and under which address. */
gboolean dm_policy_authorise_sender(DmPolicy *policy);

/* Mixed addressing over envelope and header. */
gboolean dm_policy_check_mixed(DmPolicy *policy);

/* Options from the client's fields and the subject; `*subject` becomes the subject without tag, or NULL if there was
 * none. Free with g_free(). */
gboolean dm_policy_read_options(DmPolicy *policy, char **subject);

/* Whether the sender may use them. */
gboolean dm_policy_check_options(DmPolicy *policy);

/* The private id that the client gave, or the gateway id. Free with g_free(). */
gboolean dm_policy_read_private_id(DmPolicy *policy, char **private_id);

/* The edits that write the verdict into the message; `subject` NULL leaves the subject as it is. */
void dm_policy_write_verdict(DmPolicy *policy, const char *subject, const char *private_id);

/* The edits that keep an e-mail from looking like a De-Mail: reserved fields and our marking of subjects go. */
void dm_policy_clean_ordinary(DmPolicy *policy);

#endif
