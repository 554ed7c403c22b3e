/*
 * Look-up tables, demail-tables(5): "lmdb:FILE" (compiled into FILE.demail.lmdb by demailctl postmap) and
 * "texthash:FILE" (the source itself, kept in memory).
 *
 * A table's file is immutable and is replaced by rename(2) while programs run. A DmTable notices a new file at the next
 * dm_table_read(); a DmTableReader sees one state of the table from its birth to its end.
 * Keys are compared in lower case (ASCII). A DmTable may be used from any thread, a DmTableReader from one at a time.
 */
#ifndef DEMAIL_COMMON_TABLE_H
#define DEMAIL_COMMON_TABLE_H

#include "common/error.h"

#include <glib.h>

typedef struct DmTable DmTable;
typedef struct DmTableReader DmTableReader;

typedef enum {
    DM_TABLE_DEFAULT = 0,
    DM_TABLE_KEEP_LAST = 1 << 0, /* if the file vanishes or breaks: go on with what was read last, log an error once */
    DM_TABLE_TWO_WAY = 1 << 1,   /* dm_table_get_back() will be used */
    DM_TABLE_OPTIONAL =
        1 << 2, /* without a readable file at the start it is empty until there is one, and that is logged */
} DmTableFlags;

/* Opens `spec` and reads it once. Errors: DM_ERROR_CONFIG (spec, format), DM_ERROR_NOINPUT (missing; names the command
 * that makes it), DM_ERROR_NOPERM. A compiled table that is older than its source is logged as a warning. */
DmTable *dm_table_open(const char *spec, DmTableFlags flags, GError **error);
void dm_table_free(DmTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTable, dm_table_free)

/* The name of the file that holds the table, for messages. */
const char *dm_table_file(const DmTable *table);

/* A reader of the table's present state. DM_ERROR_TEMPORARY if the file can't be read now. */
DmTableReader *dm_table_read(DmTable *table, GError **error);
void dm_table_reader_free(DmTableReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTableReader, dm_table_reader_free)

/* The value of exactly this key, or *value = NULL. FALSE only on errors. Free *value with g_free(). */
gboolean dm_table_get(DmTableReader *reader, const char *key, char **value, GError **error);

/* The key whose value is `value` (compared in lower case), or *key = NULL. Only with DM_TABLE_TWO_WAY. */
gboolean dm_table_get_back(DmTableReader *reader, const char *value, char **key, GError **error);

/* Postfix's look-up order. */
typedef enum {
    DM_FIND_ADDRESS = 1 << 0,   /* user+ext@domain, then user@domain */
    DM_FIND_AT_DOMAIN = 1 << 1, /* @domain */
    DM_FIND_DOMAIN = 1 << 2,    /* domain */
    DM_FIND_PARENTS = 1 << 3,   /* .parent, for every parent domain, the longest first */
} DmFind;

/* The first hit for `address` (or for a bare domain, with DM_FIND_DOMAIN and DM_FIND_PARENTS) in the order above.
 * `delimiter`: recipient delimiters, or NULL. *key (may be NULL as argument) is the table's key that hit. *value = NULL
 * if none did. Free both with g_free(). */
gboolean dm_table_find(DmTableReader *reader, const char *address, guint how, const char *delimiter, char **value,
                       char **key, GError **error);

/* Calls `each` for every entry; ends early when it returns FALSE. */
gboolean dm_table_foreach(DmTableReader *reader, gboolean (*each)(const char *key, const char *value, gpointer data),
                          gpointer data, GError **error);

#endif
