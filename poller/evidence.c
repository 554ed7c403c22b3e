#include "poller/evidence.h"

#include "common/log.h"

#include <string.h>

#define CHUNK 16384

static void complain(const DmArchiveDraft *draft, const char *effect, const GError *error)
{
    dm_log(DM_LOG_ERROR, "archive-failed", DM_S("gid", dm_archive_draft_gateway_id(draft)),
           DM_S("reason", error->message), DM_S("effect", effect));
}

gboolean dm_evidence_begin(DmEvidence *evidence, DmArchive *archive, const DmArchiveEntry *entry, GError **error)
{
    evidence->draft = archive ? dm_archive_draft_new(archive, entry, error) : NULL;
    return evidence->draft || !archive;
}

/* Reads on. -1: the source or, with `error`, the archive failed. Who knows the size does not read what comes behind the
 * last byte: that byte must not leave before all is on the disk. */
static gssize read_and_copy(DmEvidence *evidence, void *buffer, gsize size, GError **error)
{
    gssize n = evidence->read(buffer, size, evidence->data);

    if (n < 0 || !evidence->draft)
        return n;
    if (n > 0 && !dm_archive_draft_write(evidence->draft, buffer, (gsize)n, error))
        return -1;
    evidence->taken += n;
    if (n > 0 && evidence->taken != evidence->size)
        return n;
    if (!evidence->whole)
        evidence->whole = dm_archive_draft_sync(evidence->draft, error);
    return evidence->whole ? n : -1;
}

gssize dm_evidence_read(void *buffer, gsize size, gpointer data)
{
    DmEvidence *evidence = data;
    g_autoptr(GError) error = NULL;
    gssize n = evidence->failed ? -1 : read_and_copy(evidence, buffer, size, &error);

    if (!error)
        return n;
    evidence->failed = TRUE;
    complain(evidence->draft, "the submission was broken off; the MTA tries again", error);
    return -1;
}

/* FALSE: not known yet. */
static gboolean result_of(const DmSent *sent, DmArchiveResult *result)
{
    switch (sent->state) {
    case DM_SENT_ACCEPTED:
        *result = DM_ARCHIVE_ACCEPTED;
        return TRUE;
    case DM_SENT_REFUSED:
        *result = g_str_equal(sent->code, DM_CODE_DROPPED) ? DM_ARCHIVE_UNKNOWN : DM_ARCHIVE_REFUSED;
        return TRUE;
    case DM_SENT_DEFERRED:
        *result = g_str_equal(sent->code, DM_CODE_RELEASED) ? DM_ARCHIVE_UNKNOWN : DM_ARCHIVE_DEFERRED;
        return TRUE;
    case DM_SENT_SUBMITTING:
    case DM_SENT_UNKNOWN:
        return FALSE;
    }
    *result = DM_ARCHIVE_UNKNOWN;
    return TRUE;
}

/* The line, or nothing at all, or nothing yet. */
static void end_draft(DmArchiveDraft *draft, const DmSent *const *sent)
{
    guint n = g_strv_length((char **)dm_archive_draft_recipients(draft));
    g_autofree DmArchiveResult *results = g_new0(DmArchiveResult, n + 1);
    g_autoptr(GError) error = NULL;
    const char *id = "";
    gboolean sent_to_one = FALSE;

    for (guint i = 0; i < n; i++) {
        if (!result_of(sent[i], &results[i]))
            return;
        if (results[i] == DM_ARCHIVE_ACCEPTED)
            id = sent[i]->provider_id;
        sent_to_one |= results[i] == DM_ARCHIVE_ACCEPTED || results[i] == DM_ARCHIVE_UNKNOWN;
    }
    if (!sent_to_one)
        dm_archive_draft_drop(draft);
    else if (!dm_archive_draft_finish(draft, id, results, &error))
        complain(draft, "its bytes and envelope are in the archive; its line is written later", error);
}

static gboolean is_accepted(const DmArchiveDraft *draft, const DmSent *const *sent)
{
    guint n = g_strv_length((char **)dm_archive_draft_recipients(draft));

    for (guint i = 0; i < n; i++) {
        if (sent[i]->state == DM_SENT_ACCEPTED)
            return TRUE;
    }
    return FALSE;
}

static void read_rest(DmEvidence *evidence)
{
    g_autofree char *chunk = g_malloc(CHUNK);
    g_autoptr(GError) error = NULL;

    while (!evidence->whole && read_and_copy(evidence, chunk, CHUNK, &error) > 0)
        continue;
    if (!evidence->whole && !error)
        g_set_error(&error, DM_ERROR, DM_ERROR_TEMPORARY, "the MTA's connection broke before the message was complete");
    if (error)
        complain(evidence->draft, "it was accepted before its end, and its bytes in the archive are not whole", error);
}

void dm_evidence_end(DmEvidence *evidence, const DmSent *const *results)
{
    if (evidence->draft && is_accepted(evidence->draft, results))
        read_rest(evidence);
    if (evidence->draft)
        end_draft(evidence->draft, results);
    g_clear_pointer(&evidence->draft, dm_archive_draft_free);
}

void dm_evidence_drop(DmEvidence *evidence)
{
    if (evidence->draft)
        dm_archive_draft_drop(evidence->draft);
    g_clear_pointer(&evidence->draft, dm_archive_draft_free);
}

void dm_evidence_keep(DmEvidence *evidence)
{
    if (evidence->failed)
        dm_evidence_drop(evidence);
    g_clear_pointer(&evidence->draft, dm_archive_draft_free);
}

static gboolean settle_one(DmArchiveDraft *draft, DmEvidenceLookUp look_up, gpointer data, GError **error)
{
    const char *id = dm_archive_draft_gateway_id(draft);
    char *const *recipients = dm_archive_draft_recipients(draft);
    guint n = g_strv_length((char **)recipients);
    g_autofree DmSent *sent = g_new0(DmSent, n + 1);
    g_autofree const DmSent **lent = g_new0(const DmSent *, n + 1);
    gboolean good = TRUE;

    for (guint i = 0; good && i < n; i++) {
        good = look_up(id, recipients[i], &sent[i], data, error);
        lent[i] = &sent[i];
    }
    if (good)
        end_draft(draft, lent);
    for (guint i = 0; i < n; i++)
        dm_sent_clear(&sent[i]);
    return good;
}

void dm_evidence_settle(DmArchive *archive, const char *gateway_id, DmEvidenceLookUp look_up, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) drafts = archive ? dm_archive_resume(archive, gateway_id, &error) : NULL;

    for (guint i = 0; drafts && !error && i < drafts->len; i++)
        settle_one(g_ptr_array_index(drafts, i), look_up, data, &error);
    if (error)
        dm_log(DM_LOG_ERROR, "archive-failed", DM_S("gid", gateway_id), DM_S("reason", error->message),
               DM_S("effect", "what is begun under it is ended later"));
}
