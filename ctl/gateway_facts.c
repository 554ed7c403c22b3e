#include "ctl/gateway_facts.h"

#include "common/facts_file.h"
#include "ctl/output.h"

#include <stdio.h>

DmFacts *dm_ctl_facts(const DmCtlJournal *opened, gint64 now, GError **error)
{
    g_autoptr(DmFacts) facts = dm_facts_new(opened->config, now);

    dm_facts_load(facts);
    return dm_facts_add_journal(facts, opened->journal, error) ? g_steal_pointer(&facts) : NULL;
}

void dm_ctl_print_warnings(const DmFacts *facts, gint64 now, gboolean json)
{
    g_autoptr(GPtrArray) warnings = dm_warnings_find(facts, now);

    for (guint i = 0; i < warnings->len; i++) {
        const DmWarning *warning = g_ptr_array_index(warnings, i);
        g_autofree char *subject = dm_output_plain(warning->subject);
        g_autofree char *text = dm_output_plain(warning->text);
        if (json)
            dm_output_json_line(
                json_pack("{s:s, s:s, s:s}", "warning", warning->kind, "subject", subject, "text", text));
        else
            printf("warning: %s %s: %s\n", warning->kind, subject, text);
    }
}
