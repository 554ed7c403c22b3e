#include "common/policy_steps.h"

#include "common/demail.h"
#include "common/options.h"

#include <string.h>

/* What the client said, by field and by subject. */
typedef struct {
    guint yes; /* options whose field says yes */
    guint no;  /* options whose field says no */
    guint tag;
} Wishes;

/* One option field, the first occurrence (PVD IO 3.1.1): "yes" or "no", case-sensitive. */
static gboolean read_option_field(DmPolicy *policy, guint i, Wishes *wishes)
{
    const char *value = dm_headers_get(policy->request->headers, dm_option_field(i), 0);
    if (value == NULL)
        return TRUE;

    g_autofree char *word = dm_header_unfold(value);
    if (strcmp(word, "yes") == 0)
        wishes->yes |= 1U << i;
    else if (strcmp(word, "no") == 0)
        wishes->no |= 1U << i;
    else
        return dm_policy_refuse(policy, DM_REFUSAL_OPTION_VALUE, dm_option_field(i), NULL);
    return TRUE;
}

/* The text lists what is known; the word itself is part of a subject and would go into logs. */
static gboolean refuse_token(DmPolicy *policy)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < DM_OPTION_COUNT; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", policy->config->tokens[i][0]);
    return dm_policy_refuse(policy, DM_REFUSAL_UNKNOWN_TOKEN, known->str, NULL);
}

static gboolean read_subject(DmPolicy *policy, Wishes *wishes, char **subject)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);
    g_autofree char *decoded = dm_header_decode(value != NULL ? value : "");
    DmSubjectTag tag;

    dm_subject_tag_parse(policy->config->tokens, decoded, &tag);
    wishes->tag = tag.options;
    *subject = g_steal_pointer(&tag.rest);
    gboolean unknown = tag.unknown != NULL;
    dm_subject_tag_clear(&tag);
    return !unknown || refuse_token(policy);
}

/* A field that says no to what the subject, or retrieve (PVD FU 3.3.5), asks for: nobody can tell what was meant. */
static gboolean check_conflict(DmPolicy *policy, const Wishes *wishes)
{
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((wishes->no & policy->verdict->options & (1U << i)) != 0)
            return dm_policy_refuse(policy, DM_REFUSAL_OPTION_CONFLICT, dm_option_field(i), dm_option_word(i));
    }
    return TRUE;
}

gboolean dm_policy_read_options(DmPolicy *policy, char **subject)
{
    DmVerdict *verdict = policy->verdict;
    Wishes wishes = {0};

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (!read_option_field(policy, i, &wishes))
            return FALSE;
    }
    if (!read_subject(policy, &wishes, subject))
        return FALSE;
    verdict->options = wishes.yes | wishes.tag;
    policy->asked = verdict->options;
    if ((verdict->options & DM_OPTION_RETRIEVE) != 0)
        verdict->options |= DM_OPTION_PRIVATE;
    return check_conflict(policy, &wishes);
}

gboolean dm_policy_check_options(DmPolicy *policy)
{
    DmVerdict *verdict = policy->verdict;
    g_autofree char *asked = dm_options_format(policy->asked);
    g_autofree char *allowed = dm_options_format(policy->allowed);

    dm_policy_note(policy, "options: asked for %s, allowed are %s", asked, allowed);
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((policy->asked & ~policy->allowed & (1U << i)) != 0)
            return dm_policy_refuse(policy, DM_REFUSAL_OPTION_NOT_ALLOWED, dm_option_word(i), policy->from);
    }
    if ((verdict->options & DM_OPTION_AUTHORITATIVE) != 0 && g_str_has_prefix(verdict->sender, "pn_"))
        return dm_policy_refuse(policy, DM_REFUSAL_PSEUDONYM, verdict->sender, NULL);
    if (verdict->options != policy->asked)
        dm_policy_note(policy, "options: retrieve implies private");
    return TRUE;
}

gboolean dm_policy_read_private_id(DmPolicy *policy, char **private_id)
{
    const char *value = dm_headers_get(policy->request->headers, DM_FIELD_PRIVATE_ID, 0);
    if (value == NULL)
        value = dm_headers_get(policy->request->headers, DM_FIELD_PRIVAT_ID, 0);
    g_autofree char *given = dm_header_unfold(value != NULL ? value : "");

    for (const char *c = given; *c != '\0'; c++) {
        if (!g_ascii_isprint(*c))
            return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    }
    if (strlen(given) > DM_PRIVATE_ID_MAX)
        return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    dm_policy_note(policy, "private id: %s", given[0] != '\0' ? "the client's" : "none given, the gateway id");
    *private_id = given[0] != '\0' ? g_steal_pointer(&given) : g_strdup(policy->request->gateway_id);
    return TRUE;
}
