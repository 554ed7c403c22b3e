#include "standard/tag_list.h"

#include "common/header.h"

#include <string.h>

static void free_tag(gpointer data)
{
    DmTag *tag = data;

    g_free(tag->name);
    g_free(tag->value);
    g_free(tag);
}

static gboolean is_name(const char *name)
{
    if (!g_ascii_isalpha(name[0]))
        return FALSE;
    for (; *name != '\0'; name++) {
        if (!g_ascii_isalnum(*name) && *name != '_')
            return FALSE;
    }
    return TRUE;
}

static gboolean is_blank_text(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0')
            return FALSE;
    }
    return TRUE;
}

/* Printable ASCII and blanks; ";" does not get here. */
static gboolean is_value(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(text[i]) && !is_blank_text(text + i, 1))
            return FALSE;
    }
    return TRUE;
}

/* Reads "name = value" at `start`, which ends at `end`. */
static DmTag *read_tag(const char *text, gsize start, gsize end)
{
    const char *equals = memchr(text + start, '=', end - start);

    if (equals == NULL)
        return NULL;
    gsize value = (gsize)(equals - text) + 1;
    g_autofree char *before = g_strndup(text + start, value - 1 - start);
    g_autofree char *name = dm_header_unfold(before);
    if (!is_name(name) || !is_value(text + value, end - value))
        return NULL;
    g_autofree char *after = g_strndup(text + value, end - value);
    DmTag *tag = g_new0(DmTag, 1);
    tag->name = g_steal_pointer(&name);
    tag->value = dm_header_unfold(after);
    tag->start = value;
    tag->end = end;
    return tag;
}

GPtrArray *dm_tag_list_read(const char *text, gsize length)
{
    g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(free_tag);

    for (gsize start = 0; start < length;) {
        const char *semicolon = memchr(text + start, ';', length - start);
        gsize end = semicolon != NULL ? (gsize)(semicolon - text) : length;
        if (semicolon == NULL && tags->len > 0 && is_blank_text(text + start, end - start))
            break;
        DmTag *tag = read_tag(text, start, end);
        if (tag == NULL)
            return NULL;
        g_ptr_array_add(tags, tag);
        start = end + 1;
    }
    return tags->len > 0 ? g_steal_pointer(&tags) : NULL;
}

const DmTag *dm_tag_list_find(const GPtrArray *tags, const char *name)
{
    for (guint i = 0; i < tags->len; i++) {
        const DmTag *tag = g_ptr_array_index(tags, i);
        if (strcmp(tag->name, name) == 0)
            return tag;
    }
    return NULL;
}
