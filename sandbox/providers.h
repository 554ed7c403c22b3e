/*
 * The sandbox's own provider and others that it plays: which domains each serves, and their system addresses (PVD FU
 * 4.3, ID FU 3.6). Immutable once read; any thread.
 */
#ifndef DEMAIL_SANDBOX_PROVIDERS_H
#define DEMAIL_SANDBOX_PROVIDERS_H

#include "sandbox/json.h"

#include <glib.h>

typedef struct DmProviders DmProviders;

/* `list` (NULL: none): [{"domain": …, "domains": [ … ]}]. NULL with *wrong saying what is wrong with it. */
DmProviders *dm_providers_read(const char *own_domain, const json_t *list, const char **wrong);
void dm_providers_free(DmProviders *providers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmProviders, dm_providers_free)

/* The domain of the provider that serves the De-Mail domain (lower case): the own one unless another names it. */
const char *dm_providers_of(const DmProviders *providers, const char *domain);

/* Whether another than the own one serves the domain. */
gboolean dm_providers_is_other(const DmProviders *providers, const char *domain);

/* Whether the address is one that only providers write from. */
gboolean dm_providers_is_system(const DmProviders *providers, const char *address);

#endif
