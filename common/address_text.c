#include "common/address_text.h"

#include "common/address.h"

#include <string.h>

#define SEPARATORS ",;:"

/* One element, and what was seen of it so far. */
typedef struct {
    const char *start;
    const char *at;
    gboolean has_at; /* an "@" outside of quotes, comments and brackets */
    gboolean has_word;
    gboolean is_broken;  /* a character that no phrase may have, there at least */
    gboolean has_hidden; /* a separator in quotes or comments, that is none */
    gboolean is_angle;   /* it ends with <…> */
    gboolean is_bad;
} Element;

/* Behind the quoted string or comment that begins at `at`; NULL if it does not end. */
static const char *skip_hidden(const char *at, gboolean *has_separator)
{
    gboolean quoted = *at == '"';
    guint depth = 0;

    for (; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (quoted ? (*at == '"' && depth++ > 0) : (*at == ')' && --depth == 0))
            return at + 1;
        else if (!quoted && *at == '(')
            depth++;
        if (strchr(SEPARATORS, *at) != NULL)
            *has_separator = TRUE;
    }
    return NULL;
}

/* At "<": up to behind ">". */
static void scan_angle(Element *element)
{
    gboolean has_separator = FALSE;

    element->is_bad = element->is_bad || element->has_at;
    element->at++;
    while (*element->at != '\0' && *element->at != '>' && !element->is_bad) {
        if (*element->at == '"' || *element->at == '(') {
            const char *end = skip_hidden(element->at, &has_separator);
            element->is_bad = end == NULL || has_separator;
            element->at = end != NULL ? end : element->at + strlen(element->at);
        } else if (*element->at == '<' || *element->at == ',' || *element->at == ';') {
            element->is_bad = TRUE;
        } else {
            element->at++;
        }
    }
    if (*element->at == '>')
        element->at++;
    else
        element->is_bad = TRUE;
    element->is_angle = TRUE;
}

static void scan_one(Element *element)
{
    switch (*element->at) {
    case '"':
        element->has_word = TRUE;
        /* GMime takes what follows "<…>" for the next element. */
        element->is_bad = element->is_bad || element->is_angle;
        G_GNUC_FALLTHROUGH;
    case '(': {
        const char *end = skip_hidden(element->at, &element->has_hidden);
        element->is_bad = element->is_bad || end == NULL;
        element->at = end != NULL ? end : element->at + strlen(element->at);
        break;
    }
    case '<':
        if (element->is_angle || (element->is_broken && element->has_hidden))
            element->is_bad = TRUE;
        scan_angle(element);
        break;
    case '>':
        element->is_bad = TRUE;
        element->at++;
        break;
    default:
        element->has_at = element->has_at || *element->at == '@';
        if (*element->at == '.' && !element->has_word)
            element->is_broken = TRUE;
        element->has_word = element->has_word || !g_ascii_isspace(*element->at);
        element->is_broken = element->is_broken || strchr("[]\\)", *element->at) != NULL ||
                             (g_ascii_iscntrl(*element->at) && *element->at != '\t');
        element->is_bad = element->is_bad || (element->is_angle && !g_ascii_isspace(*element->at));
        element->at++;
    }
}

/* "quoted"@domain, the one form without brackets in which a separator may hide. */
static gboolean is_quoted_local(const Element *element)
{
    gboolean has_separator = FALSE;
    const char *text = element->start + strspn(element->start, " \t");
    const char *end = *text == '"' ? skip_hidden(text, &has_separator) : NULL;

    if (end == NULL || *end != '@')
        return FALSE;
    for (end++; g_ascii_isalnum(*end) || (*end != '\0' && strchr("-.", *end) != NULL); end++)
        continue;
    return end + strspn(end, " \t") == element->at && g_ascii_isalnum(end[-1]);
}

/* local@domain (comment). */
static gboolean is_commented(const Element *element)
{
    gboolean has_separator = FALSE;
    const char *comment = element->start + strcspn(element->start, "\"(");
    g_autofree char *address = g_strstrip(g_strndup(element->start, (gsize)(comment - element->start)));
    const char *end = *comment == '(' ? skip_hidden(comment, &has_separator) : NULL;

    return end != NULL && end + strspn(end, " \t") == element->at && dm_address_is_plain(address);
}

/* Scans up to the separator or the end. */
static Element scan(const char *start)
{
    Element element = {.start = start, .at = start};

    while (*element.at != '\0' && strchr(SEPARATORS, *element.at) == NULL)
        scan_one(&element);
    if (element.has_hidden && !is_quoted_local(&element) && !is_commented(&element))
        element.is_bad =
            element.is_bad || element.is_broken || element.has_at || (!element.is_angle && *element.at != ':');
    return element;
}

static gsize count_char(const char *text, char wanted)
{
    gsize count = 0;

    for (const char *c = text; *c != '\0'; c++)
        count += *c == wanted ? 1 : 0;
    return count;
}

gboolean dm_address_text_is_crowded(const char *line)
{
    return count_char(line, ':') > DM_GROUPS_MAX || count_char(line, ',') > DM_MAILBOXES_MAX;
}

char *dm_address_text_readable(const char *line, gboolean *whole)
{
    GString *text = g_string_sized_new(strlen(line));
    gboolean is_sure = TRUE; /* GMime has read all since the last comma: after a mistake it goes on behind the next */

    *whole = TRUE;
    for (;;) {
        const Element element = scan(line);
        gboolean is_bad = element.is_bad || (element.has_hidden && !is_sure);
        if (is_bad)
            *whole = FALSE;
        else
            g_string_append_len(text, element.start, element.at - element.start);
        if (*element.at == '\0')
            return g_string_free(text, FALSE);
        is_sure = *element.at == ',' || (*element.at == ':' && is_sure &&
                                         (is_bad || !(element.has_at || element.is_broken || element.is_angle)));
        g_string_append_c(text, *element.at);
        line = element.at + 1;
    }
}
