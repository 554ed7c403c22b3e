#include "common/demail.h"

#include "common/header.h"

#include <string.h>

static const struct {
    const char *word;
    const char *field;
} option_names[DM_OPTION_COUNT] = {
    {"private", DM_FIELD_PRIVATE}, {"authoritative", DM_FIELD_AUTHORITATIVE}, {"dispatch", DM_FIELD_DISPATCH},
    {"receipt", DM_FIELD_RECEIPT}, {"retrieve", DM_FIELD_RETRIEVE},
};

const char *dm_option_word(guint i)
{
    return option_names[i].word;
}

const char *dm_option_field(guint i)
{
    return option_names[i].field;
}

char *dm_options_format(guint options)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((options & (1U << i)) != 0)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", option_names[i].word);
    }
    if (text->len == 0)
        g_string_append(text, "none");
    return g_string_free(text, FALSE);
}

static gboolean option_by_word(const char *word, guint *option)
{
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (g_ascii_strcasecmp(word, option_names[i].word) == 0) {
            *option = 1U << i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean dm_options_parse(const char *text, guint *options)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    *options = 0;
    for (char **word = words; *word != NULL; word++) {
        guint option = 0;
        g_strstrip(*word);
        if (g_ascii_strcasecmp(*word, "all") == 0)
            option = DM_OPTIONS_ALL;
        else if (g_ascii_strcasecmp(*word, "none") != 0 && !option_by_word(*word, &option))
            return FALSE;
        *options |= option;
    }
    return words[0] != NULL;
}

static gboolean has_prefix(const char *name, const char *prefix)
{
    return g_ascii_strncasecmp(name, prefix, strlen(prefix)) == 0;
}

gboolean dm_field_is_reserved(const char *name)
{
    return has_prefix(name, DM_FIELD_PREFIX) || has_prefix(name, DM_FIELD_OWN_PREFIX);
}

void dm_chosen_init(DmChosen *chosen)
{
    chosen->to = g_ptr_array_new_with_free_func(g_free);
    chosen->cc = g_ptr_array_new_with_free_func(g_free);
    chosen->bcc = g_ptr_array_new_with_free_func(g_free);
}

void dm_chosen_clear(DmChosen *chosen)
{
    g_clear_pointer(&chosen->to, g_ptr_array_unref);
    g_clear_pointer(&chosen->cc, g_ptr_array_unref);
    g_clear_pointer(&chosen->bcc, g_ptr_array_unref);
}

/* The list that "to =", "cc=" … at the start of `part` names, and what follows; NULL if it starts with no tag. */
static GPtrArray *list_by_tag(const DmChosen *chosen, const char *part, const char **rest)
{
    const struct {
        const char *tag;
        GPtrArray *list;
    } tags[] = {{"bcc", chosen->bcc}, {"cc", chosen->cc}, {"to", chosen->to}};

    while (*part == ' ' || *part == '\t')
        part++;
    for (gsize i = 0; i < G_N_ELEMENTS(tags); i++) {
        gsize length = strlen(tags[i].tag);
        if (g_ascii_strncasecmp(part, tags[i].tag, length) != 0)
            continue;
        const char *equals = part + length;
        while (*equals == ' ' || *equals == '\t')
            equals++;
        if (*equals == '=') {
            *rest = equals + 1;
            return tags[i].list;
        }
    }
    return NULL;
}

static gboolean add_addresses(GPtrArray *list, const char *text)
{
    gboolean clean = FALSE;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(text, &clean);

    for (guint i = 0; i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        g_ptr_array_add(list, g_strdup(mailbox->address));
    }
    return clean && mailboxes->len > 0;
}

/* Cuts at every ";" outside of quoted strings and comments. */
static GPtrArray *split_elements(const char *line)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(g_free);
    const char *start = line;
    gboolean quoted = FALSE;
    guint depth = 0;
    const char *c;

    for (c = line; *c != '\0'; c++) {
        if (*c == '\\' && c[1] != '\0')
            c++;
        else if (*c == '"' && depth == 0)
            quoted = !quoted;
        else if (*c == '(' && !quoted)
            depth++;
        else if (*c == ')' && !quoted && depth > 0)
            depth--;
        else if (*c == ';' && !quoted && depth == 0) {
            g_ptr_array_add(parts, g_strndup(start, (gsize)(c - start)));
            start = c + 1;
        }
    }
    g_ptr_array_add(parts, g_strndup(start, (gsize)(c - start)));
    return parts;
}

gboolean dm_chosen_parse(const char *value, DmChosen *chosen)
{
    g_autofree char *line = dm_header_unfold(value);
    g_autoptr(GPtrArray) parts = split_elements(line);
    GPtrArray *current = NULL;

    dm_chosen_init(chosen);
    for (guint i = 0; i < parts->len; i++) {
        const char *addresses = g_ptr_array_index(parts, i);
        GPtrArray *named = list_by_tag(chosen, addresses, &addresses);
        if (named != NULL && named->len > 0)
            return FALSE; /* an element twice */
        if (named != NULL)
            current = named;
        if (current == NULL || !add_addresses(current, addresses))
            return FALSE;
    }
    return TRUE;
}

static void format_element(GString *out, const char *tag, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        if (i == 0)
            g_string_append_printf(out, "%s%s=", out->len > 0 ? ";\n " : "", tag);
        else
            g_string_append(out, ",\n ");
        g_string_append(out, g_ptr_array_index(list, i));
    }
}

char *dm_chosen_format(const DmChosen *chosen)
{
    GString *out = g_string_new(NULL);

    format_element(out, "to", chosen->to);
    format_element(out, "cc", chosen->cc);
    format_element(out, "bcc", chosen->bcc);
    return g_string_free(out, FALSE);
}
