#include "common/policy_steps.h"

#include "common/demail.h"
#include "common/options.h"

#include <string.h>

/* One option field of the client, the first occurrence (PVD IO 3.1.1): "yes" or "no", case-sensitive. */
static gboolean read_option_field(DmPolicy *policy, guint i)
{
    const char *value = dm_headers_get(policy->request->headers, dm_option_field(i), 0);
    if (value == NULL)
        return TRUE;

    g_autofree char *word = dm_header_unfold(value);
    if (strcmp(word, "yes") == 0)
        policy->verdict->options |= 1U << i;
    else if (strcmp(word, "no") != 0)
        return dm_policy_refuse(policy, DM_REFUSAL_OPTION_VALUE, dm_option_field(i), word);
    return TRUE;
}

/* Options from the fields and the subject; `*subject` becomes the subject without tag, or NULL if there was none. */
gboolean dm_policy_read_options(DmPolicy *policy, char **subject)
{
    const char *value = dm_headers_get(policy->request->headers, "Subject", 0);
    g_autofree char *decoded = dm_header_decode(value != NULL ? value : "");
    DmSubjectTag tag;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (!read_option_field(policy, i))
            return FALSE;
    }
    dm_subject_tag_parse(decoded, &tag);
    policy->verdict->options |= tag.options;
    *subject = g_steal_pointer(&tag.rest);
    g_autofree char *unknown = g_steal_pointer(&tag.unknown);
    dm_subject_tag_clear(&tag);
    if (unknown != NULL)
        return dm_policy_refuse(policy, DM_REFUSAL_UNKNOWN_TOKEN, unknown, NULL);
    return TRUE;
}

gboolean dm_policy_check_options(DmPolicy *policy)
{
    DmVerdict *verdict = policy->verdict;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if ((verdict->options & ~policy->allowed & (1U << i)) != 0)
            return dm_policy_refuse(policy, DM_REFUSAL_OPTION_NOT_ALLOWED, dm_option_word(i), policy->from);
    }
    if ((verdict->options & DM_OPTION_RETRIEVE) != 0)
        verdict->options |= DM_OPTION_PRIVATE;
    if ((verdict->options & DM_OPTION_AUTHORITATIVE) != 0 && g_str_has_prefix(verdict->sender, "pn_"))
        return dm_policy_refuse(policy, DM_REFUSAL_PSEUDONYM, verdict->sender, NULL);
    g_autofree char *words = dm_options_format(verdict->options);
    dm_policy_note(policy, "options: %s", words);
    return TRUE;
}

/* The private id that the client gave, or the gateway id. */
gboolean dm_policy_read_private_id(DmPolicy *policy, char **private_id)
{
    const char *value = dm_headers_get(policy->request->headers, DM_FIELD_PRIVATE_ID, 0);
    g_autofree char *given = dm_header_unfold(value != NULL ? value : "");

    for (const char *c = given; *c != '\0'; c++) {
        if (!g_ascii_isprint(*c))
            return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    }
    if (strlen(given) > DM_PRIVATE_ID_MAX)
        return dm_policy_refuse(policy, DM_REFUSAL_PRIVATE_ID, NULL, NULL);
    *private_id = given[0] != '\0' ? g_steal_pointer(&given) : g_strdup(policy->request->gateway_id);
    return TRUE;
}
