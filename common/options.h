/*
 * The option tag at the start of a subject: "[P, EB] Bescheid".
 *
 * A tag stands at the very start, tokens are separated by commas and compared without case. Brackets without any known
 * token are part of an ordinary subject.
 */
#ifndef DEMAIL_COMMON_OPTIONS_H
#define DEMAIL_COMMON_OPTIONS_H

#include <glib.h>

typedef struct {
    gboolean tagged; /* there is a tag: at least one token is known */
    guint options;   /* set of DmOption */
    char *unknown;   /* the first unknown token beside known ones, or NULL */
    char *first;     /* the first known token as written; NULL if not tagged */
    char *rest;      /* the subject without the tag and the blanks after it; NULL if not tagged */
} DmSubjectTag;

/* The option (of DmOption) that the token means: one of `short_tokens` (NULL-terminated lists, by option), or its name
 * in German or English. 0 if it means none. */
guint dm_option_of_token(char **const *short_tokens, const char *token);

/* `subject` is decoded UTF-8. Clear with dm_subject_tag_clear(). */
void dm_subject_tag_parse(char **const *short_tokens, const char *subject, DmSubjectTag *tag);
void dm_subject_tag_clear(DmSubjectTag *tag);

#endif
