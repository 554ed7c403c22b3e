/*
 * Fetches the signed list of providers from where it is published.
 */
#ifndef DEMAIL_POLLER_TRUST_FETCH_H
#define DEMAIL_POLLER_TRUST_FETCH_H

#include "common/error.h"

#include <glib.h>

/* What the server said about the list that was fetched last, to ask whether there is another. All zero: nothing. */
typedef struct {
    char *etag;
    char *last_modified;
} DmTrustMark;

void dm_trust_mark_clear(DmTrustMark *mark);

typedef struct {
    const char *url;     /* https:// or file:// */
    const char *ca_file; /* empty: the system's CAs */
    const gint *cancel;  /* read atomically: not 0 ends the transfer within seconds */
} DmTrustSource;

typedef enum {
    DM_TRUST_FETCHED,
    DM_TRUST_UNCHANGED, /* since `mark` was set */
    DM_TRUST_FAILED,
} DmTrustFetch;

/* Appends the list to `body`, at most DM_TRUST_LIST_MAX bytes, within minutes. The error of DM_TRUST_FAILED
 * (DM_ERROR_TEMPORARY) reads the same for the same cause. DM_TRUST_FETCHED sets `mark` anew. Any thread. */
DmTrustFetch dm_trust_fetch(const DmTrustSource *source, DmTrustMark *mark, GString *body, GError **error);

#endif
