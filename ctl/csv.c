#include "ctl/csv.h"

#include "ctl/output.h"

#include <string.h>

/* Where lists are separated by semicolons a spreadsheet divides there, too, whatever quotes say. */
static char *disarm(const char *text)
{
    GString *safe = g_string_new(NULL);
    gboolean begins = TRUE;

    for (const char *c = text; *c != '\0'; c++) {
        if (begins && strchr("=+-@", *c) != NULL)
            g_string_append_c(safe, '\'');
        begins = *c == ';' || (begins && (*c == ' ' || *c == '"'));
        g_string_append_c(safe, *c);
    }
    return g_string_free(safe, FALSE);
}

static void append_cell(GString *line, const char *cell)
{
    g_autofree char *plain = dm_output_plain(cell);
    g_autofree char *safe = disarm(plain);

    if (strpbrk(safe, ",;\"") == NULL) {
        g_string_append(line, safe);
        return;
    }
    g_auto(GStrv) parts = g_strsplit(safe, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\"\"", parts);
    g_string_append_printf(line, "\"%s\"", doubled);
}

char *dm_csv_line(const char *const *cells, gsize n)
{
    GString *line = g_string_new(NULL);

    for (gsize i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(line, ',');
        append_cell(line, cells[i]);
    }
    g_string_append(line, "\r\n");
    return g_string_free(line, FALSE);
}
