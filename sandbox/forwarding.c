#include "sandbox/forwarding.h"

#include "common/demail.h"
#include "common/stamp.h"

#include <gmime/gmime.h>

DmLetter *dm_redirect(const DmLetter *letter, const char *to, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    for (guint i = 0; i < dm_headers_length(letter->headers); i++) {
        const DmHeader *field = dm_headers_at(letter->headers, i);
        if (!dm_headers_append(headers, field->name, field->value, error))
            return NULL;
    }
    g_autofree char *recipient = g_strconcat("to=", to, NULL);
    dm_headers_replace(headers, DM_FIELD_ACTUAL_RECIPIENT, 1, recipient);
    return dm_letter_new(g_steal_pointer(&headers), &letter->body);
}

DmLetter *dm_forward(const DmLetter *letter, const char *from, const char *to, const char *provider, GError **error)
{
    g_autofree char *id = dm_stamp_new_id(error);
    DmLetter *copy = id ? dm_redirect(letter, to, error) : NULL;
    if (!copy)
        return NULL;
    g_autofree char *message_id = g_strdup_printf("<%s@%s>", id, provider);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_mime_utils_header_format_date(now);
    dm_headers_prepend(copy->headers, "Resent-Message-ID", message_id);
    dm_headers_prepend(copy->headers, "Resent-Date", date);
    dm_headers_prepend(copy->headers, "Resent-To", to);
    dm_headers_prepend(copy->headers, DM_FIELD_RESENT_FROM, from);
    return copy;
}
