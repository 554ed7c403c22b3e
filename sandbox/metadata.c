#include "sandbox/metadata.h"

#include "standard/integrity.h"

#include <gmime/gmime.h>
#include <string.h>

#define FIELD_ENVELOPE_TO "Envelope-to"

static gboolean add(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, name, value, error);
}

static char *date_of_now(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    return g_mime_utils_header_format_date(now);
}

/* Fields that only normal messages have (PVD IO, table 1: auth level and mechanism are optional in others). */
static gboolean add_normal(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    g_autofree char *holder = dm_header_encode(DM_FIELD_ACCOUNT_HOLDER, metadata->holder);
    if (!add(headers, DM_FIELD_AUTH_LEVEL, metadata->high ? "high" : "normal", error) ||
        !add(headers, DM_FIELD_AUTH_MECHANISM, metadata->high ? "Certificate-Token" : "Password", error) ||
        !add(headers, DM_FIELD_ACCOUNT_HOLDER, holder, error))
        return FALSE;
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (!add(headers, dm_option_field(i), metadata->options & (1U << i) ? "yes" : "no", error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_metadata(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    g_autofree char *server = g_strconcat("mail.", metadata->provider_domain, NULL);
    g_autofree char *chosen = dm_chosen_format(metadata->chosen);
    if (!add(headers, DM_FIELD_VERSION, DM_VERSION_OF_STANDARD, error) ||
        !add(headers, DM_FIELD_MESSAGE_TYPE, metadata->type, error) ||
        !add(headers, DM_FIELD_MESSAGE_ID, metadata->message_id, error) ||
        !add(headers, DM_FIELD_PROVIDER, server, error) || !add(headers, DM_FIELD_SENDER, metadata->sender, error) ||
        !add(headers, DM_FIELD_CHOSEN_RECIPIENT, chosen, error) ||
        !add(headers, DM_FIELD_ACTUAL_RECIPIENT, chosen, error))
        return FALSE;
    if (metadata->holder ? !add_normal(headers, metadata, error)
                         : metadata->private_mark && !add(headers, DM_FIELD_PRIVATE, "yes", error))
        return FALSE;
    return !metadata->private_id || add(headers, DM_FIELD_PRIVATE_ID, metadata->private_id, error);
}

static gboolean add_other(DmHeaders *headers, const DmHeaders *fields, GError **error)
{
    for (guint i = 0; i < dm_headers_length(fields); i++) {
        const DmHeader *field = dm_headers_at(fields, i);
        if (g_ascii_strncasecmp(field->name, DM_FIELD_PREFIX, strlen(DM_FIELD_PREFIX)) == 0 ||
            g_ascii_strcasecmp(field->name, FIELD_ENVELOPE_TO) == 0)
            continue;
        if (!dm_headers_append(headers, field->name, field->value, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_missing(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    g_autofree char *date = date_of_now();
    g_autofree char *message_id = g_strdup_printf("<%s>", metadata->message_id);
    return (dm_headers_get(headers, "Date", 0) || add(headers, "Date", date, error)) &&
           (dm_headers_get(headers, "Message-ID", 0) || add(headers, "Message-ID", message_id, error)) &&
           (dm_headers_get(headers, "Subject", 0) || add(headers, "Subject", "", error));
}

DmHeaders *dm_metadata_complete(const DmHeaders *fields, const DmMetadata *metadata, const char *body_hash,
                                GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    if (!add_metadata(headers, metadata, error) || !add_other(headers, fields, error) ||
        !add_missing(headers, metadata, error))
        return NULL;
    g_autofree char *integrity =
        dm_integrity_make(headers, body_hash, metadata->provider_domain, DM_INTEGRITY_SELECTOR);
    dm_headers_prepend(headers, DM_FIELD_INTEGRITY, integrity);
    return g_steal_pointer(&headers);
}
