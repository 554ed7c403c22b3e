/*
 * The report that a De-Mail can't be delivered, as every mail client knows it (RFC 3464): what happened in the
 * gateway's language, for programs, and the provider's notification whole, byte for byte, so that its hash or seal
 * stays good.
 */
#ifndef DEMAIL_POLLER_REPORT_H
#define DEMAIL_POLLER_REPORT_H

#include "common/config.h"
#include "common/header.h"
#include "common/journal.h"
#include "standard/findings.h"

/* All lent. */
typedef struct {
    DmLanguage language;
    const DmTenantConfig *tenant;
    const DmSentMessage *message; /* that can't be delivered */
    const GPtrArray *recipients;  /* char *, De-Mail addresses: to whom it can't */
    const DmStatement *statement; /* why */
    const DmHeaders *headers;     /* of the notification */
    int fd;                       /* the notification; its position moves */
    const char *id; /* its id at the provider; the report's Message-ID is made of it and so stays the same */
} DmReport;

/* Writes the report's body into the empty file `out`, without holding the notification in memory, and returns its
 * header, without marks. NULL with DM_ERROR_OS if a file can't be read or written. */
DmHeaders *dm_report_make(const DmReport *report, int out, GError **error);

#endif
