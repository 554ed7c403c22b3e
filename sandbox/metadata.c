#include "sandbox/metadata.h"

#include "sandbox/letter.h"
#include "standard/rules_syntax.h"

#include <gmime/gmime.h>
#include <string.h>

#define RESENT_PREFIX "resent-"

static gboolean add(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, name, value, error);
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

/* Fields that only system letters have. */
static gboolean add_special(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    return (!metadata->private_mark || add(headers, DM_FIELD_PRIVATE, "yes", error)) &&
           (!metadata->notification_type || add(headers, DM_FIELD_NOTIFICATION, metadata->notification_type, error));
}

static gboolean add_metadata(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    g_autofree char *server = g_strconcat("mail.", metadata->provider, NULL);
    g_autofree char *chosen = dm_chosen_format(metadata->chosen);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_mime_utils_header_format_date(now);
    if (!add(headers, DM_FIELD_VERSION, DM_VERSION_OF_STANDARD, error) ||
        !add(headers, DM_FIELD_MESSAGE_TYPE, metadata->type, error) ||
        !add(headers, DM_FIELD_MESSAGE_ID, metadata->message_id, error) ||
        !add(headers, DM_FIELD_PROVIDER, server, error) || !add(headers, DM_FIELD_SENDER, metadata->sender, error) ||
        !add(headers, DM_FIELD_CHOSEN_RECIPIENT, chosen, error) ||
        !add(headers, DM_FIELD_ACTUAL_RECIPIENT, chosen, error) || !add(headers, "Date", date, error))
        return FALSE;
    if (metadata->holder ? !add_normal(headers, metadata, error) : !add_special(headers, metadata, error))
        return FALSE;
    return !metadata->private_id || add(headers, DM_FIELD_PRIVATE_ID, metadata->private_id, error);
}

static gboolean has_prefix(const char *name, const char *prefix)
{
    return g_ascii_strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether the provider sets the field itself, or nobody may yet. */
static gboolean is_replaced(const char *name)
{
    return has_prefix(name, DM_FIELD_PREFIX) || has_prefix(name, RESENT_PREFIX) ||
           g_ascii_strcasecmp(name, DM_FIELD_ENVELOPE_TO) == 0 || g_ascii_strcasecmp(name, "Date") == 0;
}

/* Whether the draft's own Message-ID can stay (PVD IO 3.1.18). */
static gboolean has_message_id(const DmHeaders *fields)
{
    const char *value = dm_headers_get(fields, "Message-ID", 0);
    g_autofree char *text = dm_header_unfold(value ? value : "");
    return dm_rules_is_message_id(text);
}

static gboolean add_other(DmHeaders *headers, const DmHeaders *fields, GError **error)
{
    gboolean keep_id = has_message_id(fields);
    for (guint i = 0; i < dm_headers_length(fields); i++) {
        const DmHeader *field = dm_headers_at(fields, i);
        if (!keep_id && g_ascii_strcasecmp(field->name, "Message-ID") == 0)
            continue;
        if (!is_replaced(field->name) && !dm_headers_append(headers, field->name, field->value, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_missing(DmHeaders *headers, const DmMetadata *metadata, GError **error)
{
    g_autofree char *message_id = g_strdup_printf("<%s>", metadata->message_id);
    return (dm_headers_get(headers, "Message-ID", 0) || add(headers, "Message-ID", message_id, error)) &&
           (dm_headers_get(headers, "Subject", 0) || add(headers, "Subject", "", error));
}

DmHeaders *dm_metadata_complete(const DmHeaders *fields, const DmMetadata *metadata, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    if (!add_metadata(headers, metadata, error) || !add_other(headers, fields, error) ||
        !add_missing(headers, metadata, error))
        return NULL;
    return g_steal_pointer(&headers);
}
