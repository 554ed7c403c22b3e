/*
 * The lines of a body as it streams by: all end with CRLF and are not too long (PVD IO 3.1.21, RFC 2822 2.1.1, 2.3). A
 * DmLineCheck belongs to one thread.
 */
#ifndef DEMAIL_STANDARD_LINE_CHECK_H
#define DEMAIL_STANDARD_LINE_CHECK_H

#include "standard/findings.h"

#include <glib.h>

/* Starts as zeros. */
typedef struct {
    gsize line; /* octets since the last LF; no longer counted after a long line */
    gboolean after_cr;
    gboolean within_line; /* the last octet was no LF */
    gboolean bare_cr;
    gboolean bare_lf;
    gboolean nul;
    gboolean long_line;
} DmLineCheck;

/* The next piece, in any size. */
void dm_line_check_update(DmLineCheck *check, const char *data, gsize length);

/* At the end: adds syntax.bare-cr, syntax.bare-lf, syntax.nul and the warnings syntax.body-line-length,
 * syntax.final-crlf. */
void dm_line_check_finish(const DmLineCheck *check, DmFindings *findings);

#endif
