/*
 * One message on its way out of a provider: fetched into a file of its own, then read once more for its digest and
 * judged as of the time of its receipt.
 */
#ifndef DEMAIL_CTL_EXPORT_FETCH_H
#define DEMAIL_CTL_EXPORT_FETCH_H

#include "provider/provider.h"
#include "standard/trust.h"

#include <jansson.h>

/* What all fetches share; any thread. */
typedef struct {
    const DmProviderDriver *driver;
    DmProvider *provider;
    const DmTrust *trust;
    int dir;       /* where the files are made */
    gboolean keep; /* the file stays as it is: it is on the disk when the fetch has succeeded */
} DmFetcher;

typedef struct {
    DmEntry *entry;
    const char *folder; /* lent */
    char file[32];      /* name in the fetcher's folder, open as fd */
    int fd;
    gint64 size;
    gboolean crlf; /* each LF follows a CR */
    char *sha256;  /* in hex; NULL unless fetched */
    json_t *verification;
    GError *error;
} DmFetch;

#define DM_FETCH_SLOTS 64U

/* `slot`, below DM_FETCH_SLOTS, numbers what is under way at the same time; the file of a former fetch with the number
 * is overwritten. Takes the entry over. */
DmFetch *dm_fetch_new(DmEntry *entry, const char *folder, guint slot);
void dm_fetch_free(DmFetch *fetch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFetch, dm_fetch_free)

/* Removes the files that fetches have left in the folder. */
void dm_fetch_clean(int dir);

/* Sets either `error`, as the driver has it or DM_ERROR_OS where this machine fails, or all else. May be repeated. */
void dm_fetch_run(const DmFetcher *fetcher, DmFetch *fetch);

#endif
