/*
 * The header of a message octet for octet, as hashing needs it: names as written, blanks before the colon, folds as
 * they stand. Immutable; any thread.
 */
#ifndef DEMAIL_STANDARD_RAW_HEADER_H
#define DEMAIL_STANDARD_RAW_HEADER_H

#include "common/header.h"
#include "standard/findings.h"

#include <glib.h>

/* Lines of a message, without their line end (RFC 2822 2.1.1). Octets. */
#define DM_LINE_MAX 998

typedef struct {
    const char *octets; /* the whole field */
    gsize length;       /* without its last line end */
    gsize name_length;
    gsize value; /* where the value begins: behind the colon */
} DmRawField;

typedef struct DmRawHeader DmRawHeader;

/* Where the header in `block` ends: its length with the empty line after it, 0 if there is no empty line yet. `*header`
 * gets the length without the empty line. Where no line ends with CRLF, bare LFs are taken
 * for line ends. */
gsize dm_raw_header_end(const char *block, gsize length, gsize *header);

/* Reads the header and copies it. Lines that are no field are left out. What is wrong with it is added to `findings`
 * (may be NULL): syntax.header-line, syntax.header-line-length, syntax.header-8bit, syntax.nul, syntax.bare-cr,
 * syntax.bare-lf (PVD IO 3.1.21, conditions 3 to 5). */
DmRawHeader *dm_raw_header_read(const char *block, gsize length, DmFindings *findings);
void dm_raw_header_free(DmRawHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRawHeader, dm_raw_header_free)

/* Whether its lines end with a bare LF, so that its octets are not those that were sent. */
gboolean dm_raw_header_is_converted(const DmRawHeader *header);

/* The first field of that name from the top, the one that counts (PVD IO 3.1.1); NULL if there is none. */
const DmRawField *dm_raw_header_get(const DmRawHeader *header, const char *name);

/* The same fields for reading. DM_ERROR_PERMANENT beyond DM_HEADERS_MAX. */
DmHeaders *dm_raw_header_decode(const DmRawHeader *header, GError **error);

#endif
