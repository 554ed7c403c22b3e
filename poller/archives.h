/*
 * The archives of the tenants that have one (archive_dir), each opened once and kept open.
 */
#ifndef DEMAIL_POLLER_ARCHIVES_H
#define DEMAIL_POLLER_ARCHIVES_H

#include "common/archive.h"
#include "common/config.h"

typedef struct DmArchives DmArchives;

DmArchives *dm_archives_new(void);

/* Closes them all: nobody uses one any more. NULL is allowed. */
void dm_archives_free(DmArchives *archives);

/* Whether all folders can be used; changes nothing. FALSE after adding lines (char *) to `problems`; *first (may be
 * NULL) gets the first as an error, if it has none. */
gboolean dm_archives_check(const DmConfig *config, GPtrArray *problems, GError **first);

/* Opens those of all tenants. One whose disk fails is logged, and tried again with each dm_archives_get(): the other
 * tenants do not wait for it. */
gboolean dm_archives_open(DmArchives *archives, const DmConfig *config, GError **error);

/* *archive: lent until dm_archives_free(); NULL where the tenant has none. Any thread. */
gboolean dm_archives_get(DmArchives *archives, const DmTenantConfig *tenant, DmArchive **archive, GError **error);

/* Those that are open (DmArchive *, lent), also of a tenant that has another one since a reload. */
GPtrArray *dm_archives_list(DmArchives *archives);

#endif
