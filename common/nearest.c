#include "common/nearest.h"

#include <string.h>

#define NAME_MAX_LENGTH 64

static guint distance(const char *a, const char *b)
{
    guint row[NAME_MAX_LENGTH + 1];
    gsize length = strlen(b);

    for (guint j = 0; j <= length; j++)
        row[j] = j;
    for (gsize i = 0; a[i] != '\0'; i++) {
        guint diagonal = row[0];
        row[0] = (guint)i + 1;
        for (gsize j = 0; j < length; j++) {
            guint replaced = diagonal + (g_ascii_tolower(a[i]) == g_ascii_tolower(b[j]) ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = MIN(replaced, MIN(row[j], diagonal) + 1);
        }
    }
    return row[length];
}

const char *dm_nearest(const char *name, const char *const *candidates)
{
    const char *nearest = NULL;
    guint best = G_MAXUINT;

    if (strnlen(name, NAME_MAX_LENGTH + 1) > NAME_MAX_LENGTH)
        return NULL;
    for (const char *const *candidate = candidates; *candidate != NULL; candidate++) {
        if (strlen(*candidate) > NAME_MAX_LENGTH)
            continue;
        guint d = distance(name, *candidate);
        if (d < best) {
            best = d;
            nearest = *candidate;
        }
    }
    return nearest;
}
