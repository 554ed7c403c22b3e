/*
 * What is sent, into the archive: the draft's bytes as the provider gets them, with envelope and result.
 *
 * Bytes and envelope are on the disk before the provider has the end of the message, so that nothing can be accepted
 * that the archive does not have. The line follows when the result is in the journal. What fails or is cut off after
 * that stays begun in the archive, and is ended later on the ground of the journal: before the MTA is answered about
 * the same De-Mail, or by the housekeeping.
 *
 * A submission that the provider accepted for nobody is no De-Mail and leaves nothing in the archive; one whose fate
 * nobody can tell, and that an administrator has decided on, stays with its recipients under "unknown".
 */
#ifndef DEMAIL_POLLER_EVIDENCE_H
#define DEMAIL_POLLER_EVIDENCE_H

#include "common/archive.h"
#include "common/journal.h"
#include "provider/provider.h"

/* Of one submission. */
typedef struct {
    DmArchiveDraft *draft; /* NULL: there is no archive */
    DmReadFunc read;       /* the source of the draft, and */
    gpointer data;         /* its data */
    gint64 size;           /* bytes of the draft; 0: not known before its end */
    gint64 taken;          /* bytes that were read */
    gboolean whole;        /* all of it is on the disk */
    gboolean failed;       /* the archive did; the provider can't have got the end of the message */
} DmEvidence;

/* `archive`: NULL: there is none. FALSE: nothing may be submitted. */
gboolean dm_evidence_begin(DmEvidence *evidence, DmArchive *archive, const DmArchiveEntry *entry, GError **error);

/* A DmReadFunc, with a DmEvidence * as data: reads from the source, and writes what it has read to the archive. */
gssize dm_evidence_read(void *buffer, gsize size, gpointer evidence);

/* With the results as the journal has them, in the order of the recipients. What the provider has accepted before it had
 * the end, as one that knows the key already may, is read to its end before. Failures are logged. */
void dm_evidence_end(DmEvidence *evidence, const DmSent *const *results);

/* Nothing was sent. */
void dm_evidence_drop(DmEvidence *evidence);

/* The result is not known yet, or can't be written down. */
void dm_evidence_keep(DmEvidence *evidence);

/* What is known of a recipient: fills `sent`, which is to be cleared. Without a word (state 0): nobody can tell. */
typedef gboolean (*DmEvidenceLookUp)(const char *gateway_id, const char *recipient, DmSent *sent, gpointer data,
                                     GError **error);

/* Ends what is begun under this gateway id, as far as it is known; nobody else is at work on that De-Mail. Failures are
 * logged. NULL as archive is allowed. */
void dm_evidence_settle(DmArchive *archive, const char *gateway_id, DmEvidenceLookUp look_up, gpointer data);

#endif
