/*
 * Comma-separated values after RFC 4180, in UTF-8, for spreadsheets.
 */
#ifndef DEMAIL_CTL_CSV_H
#define DEMAIL_CTL_CSV_H

#include <glib.h>

/* One line of n cells, with CRLF. What a spreadsheet would take for a formula (a cell, or what follows a semicolon in
 * it, that begins with = + - or @) has an apostrophe before it; control characters become blanks. */
char *dm_csv_line(const char *const *cells, gsize n);

#endif
