/*
 * What a kind of table must do; private to table.c and the kinds.
 *
 * A snapshot is one state of the table's file: immutable, shared by reference count, usable from any thread. A cursor
 * reads one snapshot from one thread at a time.
 */
#ifndef DEMAIL_COMMON_TABLE_BACKEND_H
#define DEMAIL_COMMON_TABLE_BACKEND_H

#include "common/table.h"

#include <sys/stat.h>

typedef struct {
    const char *prefix; /* "lmdb" */

    /* The file to open and to watch for the name in the specification. Free with g_free(). */
    char *(*file)(const char *name);

    /* Reads the file's present state; fills `st` with the status of exactly what was opened. */
    gpointer (*open)(const char *name, const char *file, DmTableFlags flags, struct stat *st, GError **error);
    void (*close)(gpointer snapshot);

    gpointer (*cursor_new)(gpointer snapshot, GError **error);
    void (*cursor_free)(gpointer cursor);

    /* `key` is in lower case. */
    gboolean (*get)(gpointer cursor, const char *key, char **value, GError **error);
    gboolean (*get_back)(gpointer cursor, const char *value, char **key, GError **error);
    gboolean (*each)(gpointer cursor, gboolean (*each)(const char *, const char *, gpointer), gpointer data,
                     GError **error);
} DmTableBackend;

extern const DmTableBackend dm_table_lmdb;
extern const DmTableBackend dm_table_text;

#endif
