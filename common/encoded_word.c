#include "common/encoded_word.h"

#include <glib.h>
#include <string.h>

/* Words of a run that is being collected. */
typedef struct {
    char *charset; /* NULL: none */
    GByteArray *bytes;
} Run;

static void flush(Run *run, GString *out)
{
    if (run->charset == NULL)
        return;
    g_autofree char *text = g_base64_encode(run->bytes->data, run->bytes->len);

    g_string_append_printf(out, "=?%s?B?%s?=", run->charset, text);
    g_clear_pointer(&run->charset, g_free);
    g_byte_array_set_size(run->bytes, 0);
}

static gboolean is_blank(const char *text, gsize length)
{
    return strspn(text, " \t") >= length;
}

static void add_word(Run *run, const GMatchInfo *match, const char *between, gsize length, GString *out)
{
    g_autofree char *charset = g_match_info_fetch(match, 1);
    g_autofree char *text = g_match_info_fetch(match, 2);
    gsize count;
    g_autofree guchar *bytes = g_base64_decode(text, &count);

    if (run->charset == NULL || g_ascii_strcasecmp(run->charset, charset) != 0 || !is_blank(between, length)) {
        flush(run, out);
        g_string_append_len(out, between, (gssize)length);
        run->charset = g_steal_pointer(&charset);
    }
    g_byte_array_append(run->bytes, bytes, (guint)count);
}

char *dm_encoded_words_join(const char *line)
{
    if (strstr(line, "=?=") == NULL)
        return g_strdup(line);
    g_autoptr(GRegex) word =
        g_regex_new("=\\?([^?\\s]+)\\?b\\?([a-z0-9+/]*=*)\\?=", G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    GString *out = g_string_new(NULL);
    Run run = {NULL, g_byte_array_new()};
    const char *rest = line;

    for (g_regex_match(word, line, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
        int start = 0;
        int end = 0;
        g_match_info_fetch_pos(match, 0, &start, &end);
        add_word(&run, match, rest, (gsize)(line + start - rest), out);
        rest = line + end;
    }
    flush(&run, out);
    g_string_append(out, rest);
    g_byte_array_unref(run.bytes);
    return g_string_free(out, FALSE);
}
