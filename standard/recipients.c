#include "standard/recipients.h"

#include "standard/mailbox.h"

#include <string.h>

/* The list that the tag at `at` names, moving behind its "="; NULL and unmoved if there is no tag. */
static GPtrArray *read_tag(const char **at, const DmChosen *chosen)
{
    const struct {
        const char *tag;
        GPtrArray *list;
    } tags[] = {{"to", chosen->to}, {"cc", chosen->cc}, {"bcc", chosen->bcc}};
    const char *start = *at + strspn(*at, " \t");

    for (gsize i = 0; i < G_N_ELEMENTS(tags); i++) {
        gsize length = strlen(tags[i].tag);
        if (g_ascii_strncasecmp(start, tags[i].tag, length) != 0)
            continue;
        const char *equals = start + length + strspn(start + length, " \t");
        if (*equals == '=') {
            *at = equals + 1;
            return tags[i].list;
        }
    }
    return NULL;
}

/* Reads addresses up to the next element or the end; FALSE if something else comes. */
static gboolean read_element(const char **at, const DmChosen *chosen, GPtrArray *list, GPtrArray **next)
{
    *next = NULL;
    for (;;) {
        char *address = dm_mailbox_read(at);
        if (address == NULL)
            return FALSE;
        g_ptr_array_add(list, address);
        if (**at == '\0')
            return TRUE;
        char separator = *(*at)++;
        if (separator == ';' && (*next = read_tag(at, chosen)) != NULL)
            return TRUE;
        if (separator != ',' && separator != ';')
            return FALSE;
    }
}

gboolean dm_recipients_read(const char *text, DmChosen *chosen, DmFindings *findings)
{
    dm_chosen_init(chosen);
    GPtrArray *list = read_tag(&text, chosen);
    gboolean good = list != NULL;

    while (good && list != NULL) {
        if (list->len > 0)
            dm_findings_fail(findings, "recipient.duplicate-element");
        good = read_element(&text, chosen, list, &list);
    }
    if (!good)
        dm_findings_fail(findings, "recipient.syntax");
    if (chosen->bcc->len > 1)
        dm_findings_fail(findings, "recipient.bcc-several");
    return good;
}
