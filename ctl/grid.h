/*
 * Rows for people and for pipes, from one description of their columns.
 *
 * On a terminal: a line of titles in upper case (again where widths change), columns as wide as what they hold, cut to the terminal's width (what is cut ends
 * with an ellipsis; where even that does not fit, the columns of the highest rank are left out), colour unless NO_COLOR
 * is set. Widths are those of the screen, not of bytes or characters. Elsewhere: one line for each row, all columns
 * whole, TAB between them, neither titles nor colour; so it stays the same whoever looks.
 */
#ifndef DEMAIL_CTL_GRID_H
#define DEMAIL_CTL_GRID_H

#include <glib.h>

typedef enum { DM_TONE_PLAIN, DM_TONE_GOOD, DM_TONE_OPEN, DM_TONE_BAD } DmTone;

typedef struct {
    const char *title;
    guint least;                      /* places on the screen that it may be cut to; 0: it is never cut */
    guint rank;                       /* 0: never left out */
    gboolean right;                   /* numbers stand to the right */
    DmTone (*tone)(const char *cell); /* NULL: plain */
} DmGridColumn;

typedef struct DmGrid DmGrid;

/* `columns` is lent until the end. */
DmGrid *dm_grid_new(const DmGridColumn *columns, gsize n);

/* A row of n cells, copied; what a terminal would take for an order becomes a blank; "-" stands for NULL and "". The
 * number of rows does not count for memory: on a terminal, widths are taken from a page of them at a time. */
void dm_grid_add(DmGrid *grid, const char *const *cells);

/* Prints what is not printed yet, and frees. Nothing at all is printed where there is no row. */
void dm_grid_end(DmGrid *grid);

/* The word for a state as it stands in a grid: in its colour where there is colour. g_free(). */
char *dm_grid_tinted_state(const char *state);

/* The tone of the words for states of De-Mails (common/journal.h). */
DmTone dm_grid_state_tone(const char *state);

#endif
