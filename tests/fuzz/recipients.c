/* X-de-mail-chosen-recipient, by both of its readers: the milter's and the verifier's. */
#include "standard/recipients.h"

#include "common/demail.h"
#include "common/header.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>

void fuzz_start(void)
{
    g_mime_init();
}

static void check_same(const GPtrArray *a, const GPtrArray *b)
{
    FUZZ_CHECK(a->len == b->len);
    for (guint i = 0; i < a->len; i++)
        FUZZ_CHECK(strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) == 0);
}

static void check_round_trip(const DmChosen *chosen)
{
    g_autofree char *text = dm_chosen_format(chosen);
    DmChosen again;

    for (const char *c = text; *c != '\0'; c++)
        FUZZ_CHECK(*c != '\r' && (*c != '\n' || c[1] == ' '));
    if (text[0] == '\0')
        return;
    FUZZ_CHECK(dm_chosen_parse(text, &again));
    check_same(chosen->to, again.to);
    check_same(chosen->cc, again.cc);
    check_same(chosen->bcc, again.bcc);
    dm_chosen_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *line = dm_header_unfold(text);
    g_autoptr(DmFindings) findings = dm_findings_new();
    DmChosen chosen;

    if (dm_chosen_parse(text, &chosen))
        check_round_trip(&chosen);
    dm_chosen_clear(&chosen);
    gboolean good = dm_recipients_read(line, &chosen, findings);
    FUZZ_CHECK(good || findings->reasons->len > 0);
    dm_chosen_clear(&chosen);
    return 0;
}
