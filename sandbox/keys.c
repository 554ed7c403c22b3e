#include "sandbox/keys.h"

#include "common/address.h"

typedef struct {
    char *id; /* NULL before the first record */
    char *message_id;
    GPtrArray *results;     /* of DmRecipientResult *, in the order in which they came first */
    GHashTable *by_address; /* address key -> DmRecipientResult * */
    char **running;         /* recipients being worked on; NULL when idle or not yet known */
    gboolean claimed;
} Record;

struct DmKeys {
    GHashTable *records; /* account, line end, key -> Record */
};

DmRecipientResult *dm_recipient_result_new(const char *address, DmStatus status, const char *code, const char *detail)
{
    DmRecipientResult *result = g_new0(DmRecipientResult, 1);
    result->address = g_strdup(address);
    result->status = status;
    result->code = g_strdup(code);
    result->detail = g_strdup(detail);
    return result;
}

void dm_recipient_result_free(gpointer data)
{
    DmRecipientResult *result = data;
    g_free(result->address);
    g_free(result->code);
    g_free(result->detail);
    g_free(result);
}

static gboolean is_final(const DmRecipientResult *result)
{
    return result->status != DM_STATUS_DEFERRED;
}

static const char *status_word(DmStatus status)
{
    switch (status) {
    case DM_STATUS_ACCEPTED:
        return "accepted";
    case DM_STATUS_REFUSED:
        return "refused";
    case DM_STATUS_DEFERRED:
        break;
    }
    return "deferred";
}

json_t *dm_recipient_result_to_json(const DmRecipientResult *result)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "address", result->address, "status", status_word(result->status), "code",
                     result->code, "detail", result->detail);
}

DmRecipientResult *dm_recipient_result_from_json(const json_t *json)
{
    const char *word = dm_json_text(json, "status", "");
    for (DmStatus status = DM_STATUS_ACCEPTED; status <= DM_STATUS_DEFERRED; status++) {
        if (g_str_equal(word, status_word(status)))
            return dm_recipient_result_new(dm_json_text(json, "address", ""), status, dm_json_text(json, "code", ""),
                                           dm_json_text(json, "detail", ""));
    }
    return NULL;
}

static void record_free(gpointer data)
{
    Record *record = data;
    g_free(record->id);
    g_free(record->message_id);
    g_hash_table_unref(record->by_address);
    g_ptr_array_unref(record->results);
    g_strfreev(record->running);
    g_free(record);
}

static Record *find(const DmKeys *keys, const char *account, const char *key)
{
    g_autofree char *name = g_strconcat(account, "\n", key, NULL);
    return g_hash_table_lookup(keys->records, name);
}

static Record *find_or_add(DmKeys *keys, const char *account, const char *key)
{
    Record *record = find(keys, account, key);
    if (record)
        return record;
    record = g_new0(Record, 1);
    record->results = g_ptr_array_new_with_free_func(dm_recipient_result_free);
    record->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(keys->records, g_strconcat(account, "\n", key, NULL), record);
    return record;
}

DmKeys *dm_keys_new(void)
{
    DmKeys *keys = g_new0(DmKeys, 1);
    keys->records = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, record_free);
    return keys;
}

void dm_keys_free(DmKeys *keys)
{
    if (!keys)
        return;
    g_hash_table_unref(keys->records);
    g_free(keys);
}

gboolean dm_keys_claim(DmKeys *keys, const char *account, const char *key)
{
    Record *record = find_or_add(keys, account, key);
    if (record->claimed)
        return FALSE;
    record->claimed = TRUE;
    return TRUE;
}

void dm_keys_set_running(DmKeys *keys, const char *account, const char *key, char *const *recipients)
{
    Record *record = find_or_add(keys, account, key);
    g_strfreev(record->running);
    record->running = g_strdupv((char **)recipients);
}

void dm_keys_release(DmKeys *keys, const char *account, const char *key)
{
    Record *record = find(keys, account, key);
    if (!record)
        return;
    record->claimed = FALSE;
    g_clear_pointer(&record->running, g_strfreev);
    if (record->results->len == 0) {
        g_autofree char *name = g_strconcat(account, "\n", key, NULL);
        g_hash_table_remove(keys->records, name);
    }
}

static void record_result(Record *record, const DmRecipientResult *result)
{
    g_autofree char *address = dm_address_key(result->address);
    DmRecipientResult *known = g_hash_table_lookup(record->by_address, address);
    if (!known) {
        known = dm_recipient_result_new(result->address, result->status, result->code, result->detail);
        g_ptr_array_add(record->results, known);
        g_hash_table_insert(record->by_address, g_steal_pointer(&address), known);
    } else if (!is_final(known)) {
        known->status = result->status;
        g_free(known->code);
        known->code = g_strdup(result->code);
        g_free(known->detail);
        known->detail = g_strdup(result->detail);
    }
}

void dm_keys_record(DmKeys *keys, const char *account, const char *key, const char *id, const char *message_id,
                    const GPtrArray *results)
{
    Record *record = find_or_add(keys, account, key);
    if (!record->id) {
        record->id = g_strdup(id);
        record->message_id = g_strdup(message_id);
    }
    for (guint i = 0; i < results->len; i++)
        record_result(record, g_ptr_array_index(results, i));
}

DmRecipientResult *dm_keys_final(const DmKeys *keys, const char *account, const char *key, const char *recipient)
{
    const Record *record = find(keys, account, key);
    if (!record)
        return NULL;
    g_autofree char *address = dm_address_key(recipient);
    const DmRecipientResult *result = g_hash_table_lookup(record->by_address, address);
    if (!result || !is_final(result))
        return NULL;
    return dm_recipient_result_new(recipient, result->status, result->code, result->detail);
}

void dm_keys_ids(const DmKeys *keys, const char *account, const char *key, char **id, char **message_id)
{
    const Record *record = find(keys, account, key);
    *id = record ? g_strdup(record->id) : NULL;
    *message_id = record ? g_strdup(record->message_id) : NULL;
}

static void add_running(const Record *record, json_t *recipients)
{
    for (gsize i = 0; record->running && record->running[i]; i++) {
        g_autofree char *address = dm_address_key(record->running[i]);
        const DmRecipientResult *result = g_hash_table_lookup(record->by_address, address);
        if (!result || !is_final(result))
            json_array_append_new(recipients, json_pack("{s:s, s:s, s:s, s:s}", "address", record->running[i], "status",
                                                        "in-progress", "code", "", "detail", ""));
    }
}

static gboolean is_running(const Record *record, const DmRecipientResult *result)
{
    for (gsize i = 0; record->running && record->running[i]; i++) {
        if (dm_address_equal(record->running[i], result->address))
            return TRUE;
    }
    return FALSE;
}

json_t *dm_keys_status(const DmKeys *keys, const char *account, const char *key)
{
    const Record *record = find(keys, account, key);
    if (!record)
        return NULL;
    json_t *recipients = json_array();
    for (guint i = 0; i < record->results->len; i++) {
        const DmRecipientResult *result = g_ptr_array_index(record->results, i);
        if (is_final(result) || !is_running(record, result))
            json_array_append_new(recipients, dm_recipient_result_to_json(result));
    }
    add_running(record, recipients);
    return json_pack("{s:s, s:s, s:o}", "id", record->id ? record->id : "", "message_id",
                     record->message_id ? record->message_id : "", "recipients", recipients);
}
