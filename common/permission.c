#include "common/permission.h"

#include "common/demail.h"

#include <string.h>

gboolean dm_permission_parse(const char *value, DmPermission *permission)
{
    static const char unit[] = "unit=";
    gsize length = strcspn(value, " \t");
    g_autofree char *words = g_strndup(value, length);
    const char *rest = value + length + strspn(value + length, " \t");

    *permission = (DmPermission){0};
    if (g_ascii_strcasecmp(value, "no") == 0)
        return TRUE;
    if ((rest[0] != '\0' && !g_str_has_prefix(rest, unit)) || !dm_options_parse(words, &permission->options))
        return FALSE;
    permission->permitted = TRUE;
    permission->unit = rest[0] != '\0' ? g_strdup(rest + strlen(unit)) : NULL;
    return TRUE;
}

void dm_permission_clear(DmPermission *permission)
{
    g_clear_pointer(&permission->unit, g_free);
}
