#include "common/options.h"

#include "common/demail.h"

#include <string.h>

/* By option, as DmOption counts. */
static const struct {
    const char *german;
    const char *english;
} names[DM_OPTION_COUNT] = {
    {"persönlich", "private"},          {"absenderbestätigt", "authoritative"}, {"versandbestätigung", "dispatch"},
    {"eingangsbestätigung", "receipt"}, {"abholbestätigung", "retrieve"},
};

/* Composed and without case, so that "PERSÖNLICH" matches in either Unicode form. */
static char *comparable(const char *text)
{
    g_autofree char *composed = g_utf8_normalize(text, -1, G_NORMALIZE_NFC);

    return composed != NULL ? g_utf8_casefold(composed, -1) : g_strdup("");
}

static gboolean is_same(const char *comparable_token, const char *known)
{
    g_autofree char *other = comparable(known);

    return strcmp(comparable_token, other) == 0;
}

static gboolean is_one_of(const char *comparable_token, char *const *known)
{
    for (char *const *one = known; *one != NULL; one++) {
        if (is_same(comparable_token, *one))
            return TRUE;
    }
    return FALSE;
}

guint dm_option_of_token(char **const *short_tokens, const char *token)
{
    g_autofree char *wanted = comparable(token);

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (is_same(wanted, names[i].german) || is_same(wanted, names[i].english))
            return 1U << i;
    }
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (is_one_of(wanted, short_tokens[i]))
            return 1U << i;
    }
    return 0;
}

void dm_subject_tag_parse(char **const *short_tokens, const char *subject, DmSubjectTag *tag)
{
    *tag = (DmSubjectTag){0};
    const char *end = subject[0] == '[' ? strchr(subject, ']') : NULL;
    if (end == NULL)
        return;

    g_autofree char *inside = g_strndup(subject + 1, (gsize)(end - subject - 1));
    g_auto(GStrv) words = g_strsplit(inside, ",", -1);
    g_autofree char *unknown = NULL;
    for (char **word = words; *word != NULL; word++) {
        guint option = dm_option_of_token(short_tokens, g_strstrip(*word));
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
