#include "ctl/grid.h"

#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE  500U /* rows that widths are taken from */
#define GAP   2U   /* blanks between columns */
#define WIDTH 80U  /* of a terminal that does not tell */

struct DmGrid {
    const DmGridColumn *columns;
    gsize n;
    guint screen;    /* its width; 0: no terminal */
    gboolean colour; /* only on a terminal */
    guint *widths;   /* by column; 0: left out */
    guint *titled;   /* widths under which the titles stand */
    GPtrArray *rows; /* of char **, not printed yet */
};

static gboolean has_colour(void)
{
    const char *no_color = g_getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static guint screen_width(void)
{
    struct winsize size = {0};

    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH;
}

DmGrid *dm_grid_new(const DmGridColumn *columns, gsize n)
{
    DmGrid *grid = g_new0(DmGrid, 1);

    grid->columns = columns;
    grid->n = n;
    grid->screen = screen_width();
    grid->colour = has_colour();
    grid->widths = g_new0(guint, n);
    grid->titled = g_new0(guint, n);
    grid->rows = g_ptr_array_new_with_free_func((GDestroyNotify)(void (*)(void))g_strfreev);
    return grid;
}

static guint places_of(gunichar character)
{
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

static guint places(const char *text)
{
    guint sum = 0;

    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
        sum += places_of(g_utf8_get_char(c));
    return sum;
}

/* Cuts to `width` places, and fills up to it. */
static char *fit(const char *text, guint width, gboolean right)
{
    const char *ellipsis = g_get_charset(NULL) ? "\u2026" : ">";
    GString *fitted = g_string_new(text);
    guint used = places(text);

    if (used > width) {
        const char *c = text;
        for (used = 0; used + places_of(g_utf8_get_char(c)) < width; c = g_utf8_next_char(c))
            used += places_of(g_utf8_get_char(c));
        g_string_truncate(fitted, (gsize)(c - text));
        g_string_append(fitted, ellipsis);
        used++;
    }
    g_autofree char *fill = g_strnfill(width - used, ' ');
    if (right)
        g_string_prepend(fitted, fill);
    else
        g_string_append(fitted, fill);
    return g_string_free(fitted, FALSE);
}

static const char *colour_of(DmTone tone)
{
    switch (tone) {
    case DM_TONE_PLAIN:
        break;
    case DM_TONE_GOOD:
        return "\033[32m";
    case DM_TONE_OPEN:
        return "\033[33m";
    case DM_TONE_BAD:
        return "\033[31m";
    }
    return "";
}

/* `row` NULL: the titles. */
static void print_row(const DmGrid *grid, char *const *row)
{
    gboolean first = TRUE;

    for (gsize i = 0; i < grid->n; i++) {
        const DmGridColumn *column = &grid->columns[i];
        if (grid->widths[i] == 0)
            continue;
        g_autofree char *cell = row != NULL ? g_strdup(row[i]) : g_ascii_strup(column->title, -1);
        g_autofree char *text = fit(cell, grid->widths[i], column->right);
        const char *colour = "";
        if (grid->colour && row == NULL)
            colour = "\033[1m";
        else if (grid->colour && column->tone != NULL)
            colour = colour_of(column->tone(cell));
        printf("%s%s%s%s", first ? "" : "  ", colour, text, colour[0] != '\0' ? "\033[0m" : "");
        first = FALSE;
    }
    putchar('\n');
}

static guint sum_of(const DmGrid *grid)
{
    guint sum = 0;

    for (gsize i = 0; i < grid->n; i++) {
        if (grid->widths[i] > 0)
            sum += grid->widths[i] + (sum > 0 ? GAP : 0);
    }
    return sum;
}

/* How narrow the column may become; what is not cut stays. */
static guint least_of(const DmGrid *grid, gsize column)
{
    guint least = grid->columns[column].least;

    return least == 0 ? grid->widths[column] : MIN(least, grid->widths[column]);
}

/* Whether it would fit with all that can be cut cut. */
static gboolean can_fit(const DmGrid *grid)
{
    guint sum = sum_of(grid);

    for (gsize i = 0; i < grid->n; i++)
        sum -= grid->widths[i] - least_of(grid, i);
    return sum <= grid->screen;
}

/* FALSE if nothing more may be left out. */
static gboolean leave_one_out(DmGrid *grid)
{
    gsize out = 0;
    guint rank = 0;

    for (gsize i = 0; i < grid->n; i++) {
        if (grid->widths[i] > 0 && grid->columns[i].rank > rank) {
            rank = grid->columns[i].rank;
            out = i;
        }
    }
    if (rank > 0)
        grid->widths[out] = 0;
    return rank > 0;
}

/* The widest of those that may be cut gives one place. FALSE if none can. */
static gboolean cut_one(DmGrid *grid)
{
    gsize widest = grid->n;

    for (gsize i = 0; i < grid->n; i++) {
        if (grid->widths[i] > least_of(grid, i) && (widest == grid->n || grid->widths[i] > grid->widths[widest]))
            widest = i;
    }
    if (widest < grid->n)
        grid->widths[widest]--;
    return widest < grid->n;
}

static void set_widths(DmGrid *grid)
{
    for (gsize i = 0; i < grid->n; i++) {
        grid->widths[i] = MIN(places(grid->columns[i].title), G_MAXUINT16);
        for (guint r = 0; r < grid->rows->len; r++) {
            char *const *row = g_ptr_array_index(grid->rows, r);
            grid->widths[i] = MAX(grid->widths[i], MIN(places(row[i]), G_MAXUINT16));
        }
    }
    while (!can_fit(grid) && leave_one_out(grid))
        continue;
    while (sum_of(grid) > grid->screen && cut_one(grid))
        continue;
}

static void print_page(DmGrid *grid)
{
    if (grid->rows->len == 0)
        return;
    set_widths(grid);
    if (memcmp(grid->titled, grid->widths, grid->n * sizeof *grid->widths) != 0)
        print_row(grid, NULL);
    memcpy(grid->titled, grid->widths, grid->n * sizeof *grid->widths);
    for (guint i = 0; i < grid->rows->len; i++)
        print_row(grid, g_ptr_array_index(grid->rows, i));
    g_ptr_array_set_size(grid->rows, 0);
}

void dm_grid_add(DmGrid *grid, const char *const *cells)
{
    g_auto(GStrv) row = g_new0(char *, grid->n + 1);

    for (gsize i = 0; i < grid->n; i++)
        row[i] = cells[i] != NULL && cells[i][0] != '\0' ? dm_output_plain(cells[i]) : g_strdup("-");
    if (grid->screen == 0) {
        g_autofree char *line = g_strjoinv("\t", row);
        puts(line);
        return;
    }
    g_ptr_array_add(grid->rows, g_steal_pointer(&row));
    if (grid->rows->len == PAGE)
        print_page(grid);
}

void dm_grid_end(DmGrid *grid)
{
    print_page(grid);
    g_ptr_array_unref(grid->rows);
    g_free(grid->widths);
    g_free(grid->titled);
    g_free(grid);
}

char *dm_grid_tinted_state(const char *state)
{
    const char *colour = has_colour() ? colour_of(dm_grid_state_tone(state)) : "";

    return g_strconcat(colour, state, colour[0] != '\0' ? "\033[0m" : "", NULL);
}

DmTone dm_grid_state_tone(const char *state)
{
    static const char *const good[] = {"accepted", "dispatched", "received", "retrieved", "acknowledged", NULL};
    static const char *const bad[] = {"refused", "undeliverable", "unknown", NULL};
    static const char *const open[] = {"submitting", "deferred", "notified", "fetched", "injecting", NULL};

    if (g_strv_contains(good, state))
        return DM_TONE_GOOD;
    if (g_strv_contains(bad, state))
        return DM_TONE_BAD;
    return g_strv_contains(open, state) ? DM_TONE_OPEN : DM_TONE_PLAIN;
}
