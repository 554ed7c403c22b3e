/*
 * What is wrong with a Postfix: pure functions of its settings and the gateway's configuration. Each adds findings with
 * codes "postfix.…" and mends the settings in memory (see postfix.h).
 */
#ifndef DEMAIL_CTL_CHECK_POSTFIX_RULES_H
#define DEMAIL_CTL_CHECK_POSTFIX_RULES_H

#include "common/config.h"
#include "ctl/check/finding.h"
#include "ctl/check/postfix.h"

#include <glib.h>

typedef struct {
    DmPostfix *postfix;
    const DmConfig *config;
    DmPostfixService *inject; /* the smtpd for received De-Mail; NULL: not found */
    char **domains;           /* keys of the table demail_domains, without those that it excepts */
    GPtrArray *findings;
} DmRules;

/* All of them. */
void dm_rules_postfix(DmRules *rules);

/* Sets rules->inject. */
void dm_rules_find_inject(DmRules *rules);

/* The port for received De-Mail: there, on loopback, without our milter, open to this host. After dm_rules_milters(),
 * whose remedies it may inherit. */
void dm_rules_inject(DmRules *rules);

/* Every way in passes the milter, which fails closed and can be reached. */
void dm_rules_milters(DmRules *rules);

/* The transport, what leads to it, the barrier, and no other claim on De-Mail domains. */
void dm_rules_routes(DmRules *rules);

/* Nothing refuses or loses De-Mail before the milter, or before the provider has it. */
void dm_rules_limits(DmRules *rules);

/* The keys that Postfix looks up in transport_maps for a recipient in the domain, in its order. g_strfreev(). */
char **dm_rules_transport_keys(const DmPostfix *postfix, const char *domain);

/* A domain below or at a key of demail_domains. g_free(). */
char *dm_rules_sample(const char *key);

/* The same below divert_domain. g_free(). */
char *dm_rules_divert_sample(const DmConfig *config);

/* The addresses ("inet:HOST:PORT", "unix:PATH") in a list of milters. g_strfreev(). */
char **dm_rules_milter_addresses(const char *list);

/* Adds a finding whose command is one of the script; takes problem and command. */
void dm_rules_add(DmRules *rules, DmCheckSeverity severity, const char *code, char *problem, const char *why,
                  char *command);

/* "main.cf", or "master.cf: NAME/TYPE" where the setting is the service's own. g_free(). */
char *dm_rules_place(const DmPostfixService *service, const char *setting);

#endif
