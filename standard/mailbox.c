#include "standard/mailbox.h"

#include <string.h>

/* RFC 2822 3.2.4 */
static gboolean is_atext(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* A character that may stand for itself or, behind a backslash, escaped in quoted strings and comments. */
static gboolean is_text(char c)
{
    return c == '\t' || (c >= ' ' && c < 0x7f);
}

/* Reads from the opening to the closing character, which may be the same. */
static gboolean skip_enclosed(const char **at, char open, char close)
{
    guint depth = 0;

    for (const char *c = *at; is_text(*c); c++) {
        if (*c == '\\') {
            if (!is_text(*++c))
                return FALSE;
        } else if (*c == close && depth > 0) {
            if (--depth > 0)
                continue;
            *at = c + 1;
            return TRUE;
        } else if (*c == open) {
            depth++;
        }
    }
    return FALSE;
}

gboolean dm_mailbox_skip_blanks(const char **at)
{
    for (;;) {
        *at += strspn(*at, " \t");
        if (**at != '(')
            return TRUE;
        if (!skip_enclosed(at, '(', ')'))
            return FALSE;
    }
}

static gboolean skip_atom(const char **at)
{
    const char *start = *at;

    while (is_atext(**at))
        (*at)++;
    return *at > start;
}

static gboolean append_dot_atom(const char **at, GString *out)
{
    const char *start = *at;

    do {
        if (!skip_atom(at))
            return FALSE;
    } while (**at == '.' && (*at)++);
    g_string_append_len(out, start, *at - start);
    return TRUE;
}

static gboolean append_local_part(const char **at, GString *out)
{
    const char *start = *at;

    if (*start != '"')
        return append_dot_atom(at, out);
    if (!skip_enclosed(at, '"', '"'))
        return FALSE;
    g_string_append_len(out, start, *at - start);
    return TRUE;
}

static char *read_addr_spec(const char **at)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!dm_mailbox_skip_blanks(at) || !append_local_part(at, out) || !dm_mailbox_skip_blanks(at) || **at != '@')
        return NULL;
    (*at)++;
    g_string_append_c(out, '@');
    if (!dm_mailbox_skip_blanks(at) || !append_dot_atom(at, out) || !dm_mailbox_skip_blanks(at))
        return NULL;
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Words and, as older mail has them, dots. */
static gboolean skip_display_name(const char **at)
{
    for (;;) {
        if (!dm_mailbox_skip_blanks(at))
            return FALSE;
        if (**at == '"') {
            if (!skip_enclosed(at, '"', '"'))
                return FALSE;
        } else if (**at == '.') {
            (*at)++;
        } else if (!skip_atom(at)) {
            return TRUE;
        }
    }
}

static char *read_name_addr(const char **at)
{
    if (!skip_display_name(at) || **at != '<')
        return NULL;
    (*at)++;
    g_autofree char *address = read_addr_spec(at);
    if (address == NULL || **at != '>')
        return NULL;
    (*at)++;
    return dm_mailbox_skip_blanks(at) ? g_steal_pointer(&address) : NULL;
}

char *dm_mailbox_read(const char **at)
{
    const char *start = *at;
    char *address = read_addr_spec(at);

    if (address != NULL)
        return address;
    *at = start;
    return read_name_addr(at);
}

char *dm_mailbox_read_address(const char *text)
{
    g_autofree char *address = read_addr_spec(&text);

    return *text == '\0' ? g_steal_pointer(&address) : NULL;
}

GPtrArray *dm_mailbox_read_list(const char *text)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

    for (;;) {
        char *address = dm_mailbox_read(&text);
        if (address == NULL)
            return NULL;
        g_ptr_array_add(list, address);
        if (*text == '\0')
            return g_steal_pointer(&list);
        if (*text++ != ',')
            return NULL;
    }
}
