#include "standard/line_check.h"

#include "standard/raw_header.h"

#include <string.h>

#define LINE_WITH_END (DM_LINE_MAX + 2)

/* Octets looked at in one go: a constant, so that compilers make vector code of the loop. */
#define BLOCK 128

/* Whether in the block every CR comes before an LF and every LF behind a CR; reads one octet beyond it. */
static gboolean is_clean(const char *block)
{
    guint8 bad = 0;

    for (gsize i = 0; i < BLOCK; i++)
        bad |= (guint8)((block[i] == '\r') != (block[i + 1] == '\n'));
    return bad == 0;
}

static void judge_pair(DmLineCheck *check, gboolean cr, gboolean lf)
{
    if (cr && !lf)
        check->bare_cr = TRUE;
    if (lf && !cr)
        check->bare_lf = TRUE;
}

static void judge_line_ends(DmLineCheck *check, const char *data, gsize length)
{
    judge_pair(check, check->after_cr, data[0] == '\n');
    for (gsize at = 0; at + 1 < length;) {
        if (length - at > BLOCK && is_clean(data + at)) {
            at += BLOCK;
            continue;
        }
        for (gsize end = MIN(at + BLOCK, length - 1); at < end; at++)
            judge_pair(check, data[at] == '\r', data[at + 1] == '\n');
    }
}

/* Goes from LF to LF by the longest step that a line may have. */
static void judge_lengths(DmLineCheck *check, const char *data, gsize length)
{
    const char *end = data + length;

    for (const char *at = data; at < end && !check->long_line;) {
        gsize room = MIN(LINE_WITH_END - check->line, (gsize)(end - at));
        const char *newline = memrchr(at, '\n', room);
        check->line = newline != NULL ? 0 : check->line + room;
        check->long_line = check->line >= LINE_WITH_END;
        at = newline != NULL ? newline + 1 : at + room;
    }
}

void dm_line_check_update(DmLineCheck *check, const char *data, gsize length)
{
    if (length == 0)
        return;
    judge_line_ends(check, data, length);
    judge_lengths(check, data, length);
    if (!check->nul && memchr(data, '\0', length) != NULL)
        check->nul = TRUE;
    check->after_cr = data[length - 1] == '\r';
    check->within_line = data[length - 1] != '\n';
}

void dm_line_check_finish(const DmLineCheck *check, DmFindings *findings)
{
    if (check->bare_cr || check->after_cr)
        dm_findings_fail(findings, "syntax.bare-cr");
    if (check->bare_lf)
        dm_findings_fail(findings, "syntax.bare-lf");
    if (check->nul)
        dm_findings_fail(findings, "syntax.nul");
    if (check->long_line || check->line > DM_LINE_MAX + (check->after_cr ? 1U : 0U))
        dm_findings_warn(findings, "syntax.body-line-length");
    if (check->within_line)
        dm_findings_warn(findings, "syntax.final-crlf");
}
