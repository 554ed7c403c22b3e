/*
 * Table sources in postmap(1) syntax, and their compilation into "FILE.demail.lmdb".
 *
 * A compiled table is one LMDB file (MDB_NOSUBDIR) with these keys:
 *     the key in lower case            -> value
 *     0x01, then the value in lower case -> key (only in tables that are looked up both ways)
 *     0x02 "demail-table"              -> "1" or "1 two-way": format version and kind
 */
#ifndef DEMAIL_COMMON_POSTMAP_H
#define DEMAIL_COMMON_POSTMAP_H

#include "common/error.h"

#include <glib.h>

#define DM_POSTMAP_SUFFIX   ".demail.lmdb"
#define DM_POSTMAP_KEY_MAX  510 /* bytes; LMDB allows 511 */
#define DM_POSTMAP_LINE_MAX 65536
#define DM_POSTMAP_BACK     '\x01'
#define DM_POSTMAP_FORMAT                                                                                              \
    "\x02"                                                                                                             \
    "demail-table"
#define DM_POSTMAP_VERSION "1"
#define DM_POSTMAP_TWO_WAY "1 two-way"

/* Reads `source` and calls `entry` for each logical line with the key in lower case and the trimmed value. Every bad
 * line is added to `problems` (char *, "FILE, line N: what; what to do"); reading goes on. FALSE with `error` if the
 * file can't be read. */
gboolean dm_postmap_parse(const char *source, void (*entry)(const char *key, const char *value, guint line, gpointer),
                          gpointer data, GPtrArray *problems, GError **error);

/* Compiles `source`. The new file replaces the old one in one step and has the source's mode and group; nothing is
 * changed if there are `problems`. With `two_way`, values that several keys share are a problem. `*entries` (may be
 * NULL) counts what was written. */
gboolean dm_postmap_compile(const char *source, gboolean two_way, guint64 *entries, GPtrArray *problems,
                            GError **error);

#endif
