#include "common/marking.h"

#include "common/header.h"

#include <string.h>

#define DECODINGS_MAX 4 /* of encoded words within encoded words */

static const char *skip_invisible(const char *text, gboolean blanks)
{
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        if (g_unichar_type(c) != G_UNICODE_FORMAT && !(blanks && g_unichar_isspace(c)))
            break;
    }
    return text;
}

/* What follows the prefix at the start of `text`; NULL if it is not there. */
static const char *after_prefix(const char *text, const char *prefix)
{
    text = skip_invisible(text, TRUE);
    for (; *prefix != '\0'; prefix = g_utf8_next_char(prefix)) {
        text = skip_invisible(text, FALSE);
        if (g_unichar_tolower(g_utf8_get_char(text)) != g_unichar_tolower(g_utf8_get_char(prefix)))
            return NULL;
        text = g_utf8_next_char(text);
    }
    return text;
}

static const char *after_any_prefix(const char *text, const GPtrArray *prefixes)
{
    for (guint i = 0; i < prefixes->len; i++) {
        const char *prefix = g_ptr_array_index(prefixes, i);
        const char *rest = prefix[0] != '\0' ? after_prefix(text, prefix) : NULL;
        if (rest != NULL)
            return rest;
    }
    return NULL;
}

/* ASCII has none. */
static char *without_compatibility_forms(const char *text)
{
    return g_str_is_ascii(text) ? g_strdup(text) : g_utf8_normalize(text, -1, G_NORMALIZE_ALL_COMPOSE);
}

char *dm_marking_remove(const char *subject, const GPtrArray *prefixes)
{
    g_autofree char *text = g_utf8_make_valid(subject, -1);
    gboolean found = FALSE;

    for (guint i = 0; i < DECODINGS_MAX; i++) {
        g_autofree char *plain = without_compatibility_forms(text);
        const char *rest = plain;
        for (const char *after; (after = after_any_prefix(rest, prefixes)) != NULL; found = TRUE)
            rest = after;
        g_autofree char *again = dm_header_decode(rest);
        gboolean same = strcmp(again, rest) == 0;
        g_free(text);
        text = g_steal_pointer(&again);
        if (same)
            break;
    }
    if (!found)
        return NULL;
    return g_strdup(skip_invisible(text, TRUE));
}
