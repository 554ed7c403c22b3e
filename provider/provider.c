#include "provider/provider.h"

#include "common/address.h"

static void result_free(gpointer data)
{
    DmResult *result = data;

    g_free(result->address);
    g_free(result->code);
    g_free(result->detail);
    g_free(result);
}

DmOutcome *dm_outcome_new(void)
{
    DmOutcome *outcome = g_new0(DmOutcome, 1);

    outcome->id = g_strdup("");
    outcome->results = g_ptr_array_new_with_free_func(result_free);
    outcome->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return outcome;
}

void dm_outcome_free(DmOutcome *outcome)
{
    if (!outcome)
        return;
    g_free(outcome->id);
    g_hash_table_unref(outcome->by_address);
    g_ptr_array_unref(outcome->results);
    g_free(outcome);
}

void dm_outcome_add(DmOutcome *outcome, const char *address, DmResultKind kind, const char *code, const char *detail)
{
    DmResult *result = g_new0(DmResult, 1);

    result->address = g_strdup(address);
    result->kind = kind;
    result->code = g_strdup(code ? code : "");
    result->detail = g_strdup(detail ? detail : "");
    g_ptr_array_add(outcome->results, result);
    g_hash_table_replace(outcome->by_address, dm_address_key(address), result);
}

const DmResult *dm_outcome_find(const DmOutcome *outcome, const char *address)
{
    g_autofree char *key = dm_address_key(address);

    return g_hash_table_lookup(outcome->by_address, key);
}

void dm_entry_free(DmEntry *entry)
{
    if (!entry)
        return;
    g_free(entry->id);
    g_free(entry->type);
    g_free(entry->private_id);
    g_strfreev(entry->recipients);
    g_free(entry);
}
