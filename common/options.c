#include "common/options.h"

#include "common/demail.h"

#include <string.h>

static const struct {
    const char *token;
    DmOption option;
} tokens[] = {
    {"p", DM_OPTION_PRIVATE},
    {"persönlich", DM_OPTION_PRIVATE},
    {"private", DM_OPTION_PRIVATE},
    {"as", DM_OPTION_AUTHORITATIVE},
    {"absenderbestätigt", DM_OPTION_AUTHORITATIVE},
    {"authoritative", DM_OPTION_AUTHORITATIVE},
    {"vb", DM_OPTION_DISPATCH},
    {"versandbestätigung", DM_OPTION_DISPATCH},
    {"dispatch", DM_OPTION_DISPATCH},
    {"eb", DM_OPTION_RECEIPT},
    {"eingangsbestätigung", DM_OPTION_RECEIPT},
    {"receipt", DM_OPTION_RECEIPT},
    {"ah", DM_OPTION_RETRIEVE},
    {"abholbestätigung", DM_OPTION_RETRIEVE},
    {"retrieve", DM_OPTION_RETRIEVE},
};

/* Composed and without case, so that "PERSÖNLICH" matches in either Unicode form. */
static char *comparable(const char *text)
{
    g_autofree char *composed = g_utf8_normalize(text, -1, G_NORMALIZE_NFC);

    return composed != NULL ? g_utf8_casefold(composed, -1) : g_strdup("");
}

static guint option_of_token(const char *token)
{
    g_autofree char *wanted = comparable(token);

    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        g_autofree char *known = comparable(tokens[i].token);
        if (strcmp(wanted, known) == 0)
            return tokens[i].option;
    }
    return 0;
}

void dm_subject_tag_parse(const char *subject, DmSubjectTag *tag)
{
    *tag = (DmSubjectTag){0};
    const char *end = subject[0] == '[' ? strchr(subject, ']') : NULL;
    if (end == NULL)
        return;

    g_autofree char *inside = g_strndup(subject + 1, (gsize)(end - subject - 1));
    g_auto(GStrv) words = g_strsplit(inside, ",", -1);
    g_autofree char *unknown = NULL;
    for (char **word = words; *word != NULL; word++) {
        guint option = option_of_token(g_strstrip(*word));
        tag->options |= option;
        if (option == 0 && unknown == NULL)
            unknown = g_strdup(*word);
        if (option != 0 && tag->first == NULL)
            tag->first = g_strdup(*word);
    }
    tag->tagged = tag->options != 0;
    if (!tag->tagged)
        return;
    tag->unknown = g_steal_pointer(&unknown);
    tag->rest = g_strchug(g_strdup(end + 1));
}

void dm_subject_tag_clear(DmSubjectTag *tag)
{
    g_clear_pointer(&tag->unknown, g_free);
    g_clear_pointer(&tag->first, g_free);
    g_clear_pointer(&tag->rest, g_free);
}
