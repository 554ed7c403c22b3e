#include "poller/incoming_header.h"

#include "common/demail.h"

static gboolean says_yes(const DmHeaders *headers, const char *field)
{
    const char *value = dm_headers_get(headers, field, 0);
    g_autofree char *text = value ? dm_header_unfold(value) : NULL;

    return text && g_ascii_strcasecmp(text, "yes") == 0;
}

static const char *auth_level(const DmHeaders *headers)
{
    const char *value = dm_headers_get(headers, DM_FIELD_AUTH_LEVEL, 0);
    g_autofree char *text = value ? dm_header_unfold(value) : NULL;

    if (text && g_ascii_strcasecmp(text, "high") == 0)
        return "high";
    return text && g_ascii_strcasecmp(text, "normal") == 0 ? "normal" : "unknown";
}

static char *make_status(const DmHeaders *headers)
{
    g_autofree char *words = NULL;
    guint options = 0;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (says_yes(headers, dm_option_field(i)))
            options |= 1U << i;
    }
    words = dm_options_format(options);
    return g_strdup_printf("verified=none; signed=no; auth-level=%s;\n options=%s", auth_level(headers), words);
}

static void prefix_subject(DmHeaders *headers, const char *prefix)
{
    const char *blank = g_str_has_suffix(prefix, " ") ? "" : " ";

    for (guint i = 0; i < dm_headers_length(headers); i++) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i)->name, "Subject") != 0)
            continue;

        g_autofree char *subject = dm_header_decode(dm_headers_at(headers, i)->value);
        g_autofree char *marked = g_strconcat(prefix, blank, subject, NULL);
        g_autofree char *value = dm_header_encode("Subject", marked);

        if (!g_str_has_prefix(subject, prefix))
            dm_headers_set_at(headers, i, value);
        return;
    }

    g_autofree char *value = dm_header_encode("Subject", prefix);

    dm_headers_prepend(headers, "Subject", value);
}

void dm_incoming_mark(DmHeaders *headers, const char *subject_prefix, gboolean redelivered)
{
    g_autofree char *status = NULL;

    dm_headers_remove_prefix(headers, DM_FIELD_OWN_PREFIX);
    if (subject_prefix[0] != '\0')
        prefix_subject(headers, subject_prefix);
    if (redelivered)
        dm_headers_prepend(headers, DM_FIELD_REDELIVERED, "yes");
    status = make_status(headers);
    dm_headers_prepend(headers, DM_FIELD_STATUS, status);
}
