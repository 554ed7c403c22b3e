#include "standard/verdict.h"

#include <string.h>

DmVerdict *dm_verdict_new(void)
{
    DmVerdict *verdict = g_new0(DmVerdict, 1);

    verdict->reasons = g_ptr_array_new();
    verdict->warnings = g_ptr_array_new();
    return verdict;
}

void dm_verdict_free(DmVerdict *verdict)
{
    if (verdict == NULL)
        return;
    g_ptr_array_unref(verdict->reasons);
    g_ptr_array_unref(verdict->warnings);
    g_free(verdict->message_type);
    g_free(verdict->algorithm);
    g_free(verdict->digest);
    g_free(verdict->signature_algorithm);
    g_free(verdict->signer);
    g_free(verdict->body_hash);
    g_free(verdict->header_hash);
    dm_statement_free(verdict->statement);
    g_free(verdict);
}

static void add_once(GPtrArray *list, const char *word)
{
    if (!g_ptr_array_find_with_equal_func(list, word, g_str_equal, NULL))
        g_ptr_array_add(list, (gpointer)word);
}

void dm_verdict_fail(DmVerdict *verdict, const char *reason)
{
    add_once(verdict->reasons, reason);
}

void dm_verdict_warn(DmVerdict *verdict, const char *reason)
{
    add_once(verdict->warnings, reason);
}

gboolean dm_verdict_valid(const DmVerdict *verdict)
{
    return verdict->reasons->len == 0;
}

gboolean dm_verdict_has_category(const DmVerdict *verdict, const char *category)
{
    gsize length = strlen(category);

    for (guint i = 0; i < verdict->reasons->len; i++) {
        const char *reason = g_ptr_array_index(verdict->reasons, i);
        if (strncmp(reason, category, length) == 0 && reason[length] == '.')
            return TRUE;
    }
    return FALSE;
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
