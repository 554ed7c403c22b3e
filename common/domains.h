/*
 * Which domains are De-Mail: the table demail_domains, and beside it the table that demail-poller makes of the signed
 * list of providers.
 *
 * An entry "no" in demail_domains makes a domain e-mail, whatever the list says, and on a tenant's own e-mail domain
 * the list has no say: no mistake in it may cut off the mail that comes in. Else an entry in either makes a domain
 * De-Mail. Where the list's entry says that the provider is not active, the domain is inactive, unless demail_domains
 * has an entry for as much of the domain: mail to a provider that lost its status must not go to the Internet instead.
 */
#ifndef DEMAIL_COMMON_DOMAINS_H
#define DEMAIL_COMMON_DOMAINS_H

#include "common/config.h"
#include "common/table.h"

#include <glib.h>

/* Below state_dir: the source of the list's table, and with ".xml" the list itself. Every domain stands there twice,
 * as "domain" and as ".domain", with one of the two values. */
#define DM_TRUST_LIST_NAME     "trust_list"
#define DM_TRUST_LIST_ACTIVE   "active"
#define DM_TRUST_LIST_INACTIVE "inactive"

typedef enum {
    DM_DOMAIN_EMAIL,
    DM_DOMAIN_DEMAIL,
    DM_DOMAIN_INACTIVE, /* De-Mail, but the provider may not take it */
} DmDomainKind;

/* Both tables in one state. For one thread at a time. */
typedef struct {
    DmTableReader *table;
    DmTableReader *list; /* NULL if no list is configured */
    const DmConfig *config;
} DmDomains;

/* `list` may be NULL; `config`, whose tenants count, is borrowed. FALSE if a table can't be read. */
gboolean dm_domains_read(DmDomains *domains, DmTable *table, DmTable *list, const DmConfig *config, GError **error);
void dm_domains_clear(DmDomains *domains);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmDomains, dm_domains_clear)

/* Judges a lower-case domain without trailing dot. *entry (may be NULL as argument) names the entry that decided, for
 * people ("demail_domains entry .de-mail.de"), or is NULL; free with g_free(). FALSE if a look-up failed. */
gboolean dm_domains_judge(const DmDomains *domains, const char *domain, DmDomainKind *kind, char **entry,
                          GError **error);

#endif
