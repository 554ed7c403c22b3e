#include "standard/findings.h"

#include <string.h>

DmFindings *dm_findings_new(void)
{
    DmFindings *findings = g_new0(DmFindings, 1);

    findings->reasons = g_ptr_array_new();
    findings->warnings = g_ptr_array_new();
    return findings;
}

void dm_findings_free(DmFindings *findings)
{
    if (findings == NULL)
        return;
    g_ptr_array_unref(findings->reasons);
    g_ptr_array_unref(findings->warnings);
    g_free(findings->message_type);
    g_free(findings->algorithm);
    g_free(findings->digest);
    g_free(findings->signature_algorithm);
    g_free(findings->signer);
    g_free(findings->body_hash);
    g_free(findings->header_hash);
    dm_statement_free(findings->statement);
    g_free(findings);
}

static void add_once(GPtrArray *list, const char *word)
{
    if (!g_ptr_array_find_with_equal_func(list, word, g_str_equal, NULL))
        g_ptr_array_add(list, (gpointer)word);
}

void dm_findings_fail(DmFindings *findings, const char *reason)
{
    add_once(findings->reasons, reason);
}

void dm_findings_warn(DmFindings *findings, const char *reason)
{
    add_once(findings->warnings, reason);
}

gboolean dm_findings_valid(const DmFindings *findings)
{
    return findings->reasons->len == 0;
}

DmStatement *dm_statement_new(void)
{
    DmStatement *statement = g_new0(DmStatement, 1);

    statement->issuer = g_strdup("");
    statement->text = g_strdup("");
    statement->notification_type = g_strdup("");
    statement->original_message_id = g_strdup("");
    statement->original_rfc_id = g_strdup("");
    statement->private_id = g_strdup("");
    statement->recipients = g_ptr_array_new_with_free_func(g_free);
    return statement;
}

void dm_statement_free(DmStatement *statement)
{
    if (statement == NULL)
        return;
    g_free(statement->issuer);
    g_free(statement->text);
    g_free(statement->notification_type);
    g_free(statement->original_message_id);
    g_free(statement->original_rfc_id);
    g_free(statement->private_id);
    g_ptr_array_unref(statement->recipients);
    g_free(statement);
}
