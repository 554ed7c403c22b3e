/*
 * The parts of a statement's body (PVD IO 3.4.1): one XML and one PDF in a multipart/mixed, decoded; text may accompany
 * them.
 */
#ifndef DEMAIL_STANDARD_STATEMENT_PARTS_H
#define DEMAIL_STANDARD_STATEMENT_PARTS_H

#include "common/header.h"

#include <glib.h>

/* A body with more lines that look like a boundary or a Content-Type is not read, */
#define DM_STATEMENT_HEADS_MAX 1000
/* nor one in which what looks like a field of addresses has more bytes, or more than DM_GROUPS_MAX colons. */
#define DM_STATEMENT_FIELD_MAX (64 * 1024)

typedef struct {
    GBytes *xml; /* the first; NULL if there is none */
    GBytes *pdf; /* the same */
    guint xml_count;
    guint other_count; /* parts that are neither XML nor PDF nor text */
} DmStatementParts;

/* Whether GMime must not read this: it recurses into parts, into messages within messages, and into groups of addresses
 * in their headers; and a list of addresses can cost it its length squared. */
gboolean dm_statement_parts_crowded(const char *body, gsize length);

/* Reads a whole message, whose header is `headers`: of that only the first Content-Type counts, and GMime sees no other
 * field. FALSE where it is no multipart/mixed. Clear in any case. */
gboolean dm_statement_parts_read(const DmHeaders *headers, const char *message, gsize length, DmStatementParts *parts);
void dm_statement_parts_clear(DmStatementParts *parts);

#endif
