#include "common/journal_store.h"

#include <string.h>

#define KEY_MAX  511 /* LMDB's */
#define PART_MAX 128 /* of a part in a key that would be too long otherwise: four of them fit */

static void append_part(GString *key, const char *part, gsize max)
{
    if (key->len > 0)
        g_string_append_c(key, '\0');
    if (strlen(part) <= max) {
        g_string_append(key, part);
        return;
    }
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, part, -1);
    g_string_append(key, hash);
}

GString *dm_journal_key(const char *const *parts)
{
    GString *key = g_string_new(NULL);

    for (const char *const *part = parts; *part != NULL; part++)
        append_part(key, *part, G_MAXSIZE);
    if (key->len <= KEY_MAX)
        return key;
    g_string_truncate(key, 0);
    for (const char *const *part = parts; *part != NULL; part++)
        append_part(key, *part, PART_MAX);
    return key;
}

const char *dm_journal_part(const GString *text, guint skip)
{
    const char *at = text->str;
    const char *end = text->str + text->len;

    for (; skip > 0 && at < end; skip--)
        at += strlen(at) + 1;
    return at <= end ? at : "";
}

GString *dm_journal_record(const char *version)
{
    return g_string_new(version);
}

void dm_journal_add_text(GString *record, const char *text, gsize max)
{
    g_string_append_c(record, '\0');
    if (text != NULL)
        g_string_append_len(record, text, (gssize)strnlen(text, max));
}

void dm_journal_add_number(GString *record, gint64 number)
{
    g_string_append_printf(record, "%c%" G_GINT64_FORMAT, '\0', number);
}

static gsize version_of(const GString *record, const DmJournalLayout *layout)
{
    for (gsize i = 0; i < layout->versions; i++) {
        char word[] = {(char)('1' + i), '\0'};
        if (strcmp(record->str, word) == 0)
            return i + 1;
    }
    return 0;
}

gboolean dm_journal_split(const GString *record, const DmJournalLayout *layout,
                          const char *fields[DM_JOURNAL_FIELDS_MAX], GError **error)
{
    const char *at = record->str;
    const char *end = record->str + record->len;
    gsize version = version_of(record, layout);
    gsize wanted = version > 0 ? layout->fields[version - 1] : 0;
    gsize found = 0;

    while (at <= end && found < wanted) {
        fields[found++] = at;
        at += strlen(at) + 1;
    }
    if (version > 0 && found == wanted && at == end + 1) {
        while (found < DM_JOURNAL_FIELDS_MAX)
            fields[found++] = "";
        return TRUE;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY,
                "journal: a record of version %s can't be read; it was written by a newer program or is damaged",
                record->str);
    return FALSE;
}

gboolean dm_journal_number(const char *field, gint64 min, gint64 max, gint64 *number, GError **error)
{
    if (g_ascii_string_to_signed(field, 10, min, max, number, NULL))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "journal: a record holds \"%s\" in place of a number", field);
    return FALSE;
}

void dm_journal_go_on(const GArray *pairs, GString *after)
{
    const GString *last = g_array_index(pairs, DmStorePair, pairs->len - 1).key;

    g_string_truncate(after, 0);
    g_string_append_len(after, last->str, (gssize)last->len);
}
