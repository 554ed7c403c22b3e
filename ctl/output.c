#include "ctl/output.h"

#include "ctl/command.h"

#include <stdio.h>

void dm_output_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(value);
}

void dm_output_json_line(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(value);
}

json_t *dm_output_strings(const GPtrArray *list)
{
    json_t *array = json_array();

    for (guint i = 0; list != NULL && i < list->len; i++) {
        g_autofree char *text = g_utf8_make_valid(g_ptr_array_index(list, i), -1);
        json_array_append_new(array, json_string(text));
    }
    return array;
}

char *dm_output_plain(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *plain = g_string_new(NULL);

    for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        GUnicodeType type = g_unichar_type(character);
        gboolean order = type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT;
        g_string_append_unichar(plain, order ? ' ' : character);
    }
    return g_string_free(plain, FALSE);
}

void dm_output_complain(const char *problem)
{
    g_autofree char *plain = dm_output_plain(problem);

    fprintf(stderr, "%s: %s\n", DM_CTL_NAME, plain);
}

char *dm_output_time(gint64 time)
{
    g_autoptr(GDateTime) date = time > 0 ? g_date_time_new_from_unix_utc(time) : NULL;

    return date != NULL ? g_date_time_format(date, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}
