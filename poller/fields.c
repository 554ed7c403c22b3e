#include "poller/fields.h"

#include "common/demail.h"

char *dm_fields_text(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);

    return value ? dm_header_unfold(value) : g_strdup("");
}

char *dm_fields_decoded(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);

    return value ? dm_header_decode(value) : g_strdup("");
}

char *dm_fields_address(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);
    g_autoptr(GPtrArray) mailboxes = value ? dm_header_mailboxes(value, NULL) : NULL;

    return mailboxes && mailboxes->len > 0 ? g_strdup(((const DmMailbox *)g_ptr_array_index(mailboxes, 0))->address)
                                           : NULL;
}

guint dm_fields_options(const DmHeaders *headers)
{
    guint options = 0;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        g_autofree char *text = dm_fields_text(headers, dm_option_field(i));

        if (g_ascii_strcasecmp(text, "yes") == 0)
            options |= 1U << i;
    }
    return options;
}
