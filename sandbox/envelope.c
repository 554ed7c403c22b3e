#include "sandbox/envelope.h"

#include "common/address.h"
#include "common/demail.h"
#include "sandbox/json.h"

DmEnvelope *dm_envelope_new(const char *sender, char *const *recipients, const char *private_id)
{
    DmEnvelope *envelope = g_new0(DmEnvelope, 1);
    envelope->sender = g_strdup(sender);
    envelope->private_id = g_strdup(private_id);

    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *unique = g_ptr_array_new();
    for (gsize i = 0; recipients[i]; i++) {
        if (g_hash_table_add(seen, dm_address_key(recipients[i])))
            g_ptr_array_add(unique, g_strdup(recipients[i]));
    }
    g_ptr_array_add(unique, NULL);
    envelope->recipients = (char **)g_ptr_array_free(unique, FALSE);
    return envelope;
}

DmEnvelope *dm_envelope_parse(const char *text, gsize length, GError **error)
{
    json_error_t where;
    g_autoptr(json_t) json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!json) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "envelope: %s", where.text);
        return NULL;
    }
    g_auto(GStrv) recipients = dm_json_to_list(json_object_get(json, "recipients"), DM_ENVELOPE_RECIPIENTS_MAX);
    const char *sender = dm_json_text(json, "sender", "");
    if (!*sender || !recipients || !recipients[0]) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "envelope: \"sender\" and 1 to %d \"recipients\" are needed",
                    DM_ENVELOPE_RECIPIENTS_MAX);
        return NULL;
    }
    const char *private_id = dm_json_text(json, "private_id", "");
    if (g_utf8_strlen(private_id, -1) > DM_PRIVATE_ID_MAX) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "envelope: \"private_id\" is longer than %d characters",
                    DM_PRIVATE_ID_MAX);
        return NULL;
    }
    return dm_envelope_new(sender, recipients, private_id);
}

void dm_envelope_free(DmEnvelope *envelope)
{
    if (!envelope)
        return;
    g_free(envelope->sender);
    g_strfreev(envelope->recipients);
    g_free(envelope->private_id);
    g_free(envelope);
}
