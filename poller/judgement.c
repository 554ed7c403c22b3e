#include "poller/judgement.h"

#include "common/demail.h"
#include "standard/verify.h"

#include <string.h>

#define UNTRUSTED    "certificate.untrusted"
#define FROM_DIFFERS "sender.from-differs"

static gboolean contains(const GPtrArray *reasons, const char *reason)
{
    for (guint i = 0; i < reasons->len; i++) {
        if (strcmp(g_ptr_array_index(reasons, i), reason) == 0)
            return TRUE;
    }
    return FALSE;
}

static char *join(const GPtrArray *reasons, const char *separator)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < reasons->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? separator : "", (const char *)g_ptr_array_index(reasons, i));
    return g_string_free(text, FALSE);
}

static DmVerified judge(const DmJudgement *judgement, const DmHeaders *headers)
{
    const DmFindings *findings = judgement->findings;

    if (headers && dm_headers_count(headers, DM_FIELD_INTEGRITY) == 0)
        return DM_VERIFIED_NONE;
    if (dm_findings_valid(findings))
        return DM_VERIFIED_PASS;
    return !judgement->seal_judged && findings->reasons->len == 1 && contains(findings->reasons, UNTRUSTED)
               ? DM_VERIFIED_PASS
               : DM_VERIFIED_FAIL;
}

gboolean dm_judgement_make(const DmTrust *trust, int fd, const DmHeaders *headers, DmJudgement *judgement,
                           GError **error)
{
    *judgement = (DmJudgement){.seal_judged = dm_trust_has_anchors(trust)};
    judgement->findings = dm_verify(trust, fd, g_get_real_time() / G_USEC_PER_SEC, NULL, error);
    if (!judgement->findings)
        return FALSE;
    judgement->verified = judge(judgement, headers);
    return TRUE;
}

void dm_judgement_clear(DmJudgement *judgement)
{
    g_clear_pointer(&judgement->findings, dm_findings_free);
}

const char *dm_judgement_word(const DmJudgement *judgement)
{
    switch (judgement->verified) {
    case DM_VERIFIED_NONE:
        return "none";
    case DM_VERIFIED_PASS:
        return "pass";
    case DM_VERIFIED_FAIL:
        break;
    }
    return "fail";
}

const char *dm_judgement_signer(const DmJudgement *judgement)
{
    return judgement->verified == DM_VERIFIED_PASS && judgement->seal_judged ? judgement->findings->signer : NULL;
}

gboolean dm_judgement_counts(const DmJudgement *judgement)
{
    return judgement->verified == DM_VERIFIED_PASS && dm_findings_valid(judgement->findings);
}

gboolean dm_judgement_from_differs(const DmJudgement *judgement)
{
    return contains(judgement->findings->warnings, FROM_DIFFERS);
}

char *dm_judgement_remarks(const DmJudgement *judgement)
{
    return join(judgement->findings->warnings, ",");
}

char *dm_judgement_reasons(const DmJudgement *judgement, const char *separator)
{
    return judgement->verified == DM_VERIFIED_FAIL ? join(judgement->findings->reasons, separator) : g_strdup("");
}
