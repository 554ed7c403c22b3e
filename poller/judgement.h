/*
 * What the verification of an incoming De-Mail means for its delivery: what the user is told, and what counts.
 */
#ifndef DEMAIL_POLLER_JUDGEMENT_H
#define DEMAIL_POLLER_JUDGEMENT_H

#include "common/header.h"
#include "standard/findings.h"
#include "standard/trust.h"

typedef enum {
    DM_VERIFIED_NONE, /* no X-de-mail-integrity at all */
    DM_VERIFIED_PASS,
    DM_VERIFIED_FAIL,
} DmVerified;

typedef struct {
    DmVerified verified;
    gboolean seal_judged; /* there are anchors to judge certificates by */
    DmFindings *findings; /* never NULL */
} DmJudgement;

/* Verifies the file as of now. `headers` is its header, NULL where that can't be read. A certificate that can't be
 * judged, for no anchors are configured, does not make a De-Mail fail. DM_ERROR_OS where the file can't be read. */
gboolean dm_judgement_make(const DmTrust *trust, int fd, const DmHeaders *headers, DmJudgement *judgement,
                           GError **error);
void dm_judgement_clear(DmJudgement *judgement);

/* pass, fail or none. */
const char *dm_judgement_word(const DmJudgement *judgement);

/* Who signed it: the subject of a certificate that was found good; NULL else. */
const char *dm_judgement_signer(const DmJudgement *judgement);

/* Whether it may change what is known of a sent De-Mail: it passed, and nothing about it was left unjudged. */
gboolean dm_judgement_counts(const DmJudgement *judgement);

/* Whether its From names somebody else than the sender whom the provider knows. */
gboolean dm_judgement_from_differs(const DmJudgement *judgement);

/* Remarks that decide nothing, such as a revocation that can't be told, separated by commas; empty if there are none.
 * Free with g_free(). */
char *dm_judgement_remarks(const DmJudgement *judgement);

/* Why it failed, separated by `separator`; empty if it did not. Free with g_free(). */
char *dm_judgement_reasons(const DmJudgement *judgement, const char *separator);

#endif
