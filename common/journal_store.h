/*
 * The journal's file: typed keys and records in LMDB. For the journal's own modules; see journal.h.
 *
 * A key is a kind and up to three parts with NUL between them, a record is a version and fields with NUL between them.
 * All functions but the makers of keys and records may be called from any thread.
 */
#ifndef DEMAIL_COMMON_JOURNAL_STORE_H
#define DEMAIL_COMMON_JOURNAL_STORE_H

#include "common/journal.h"

#include <glib.h>

#define DM_JOURNAL_FIELDS_MAX 16
#define DM_JOURNAL_TEXT_MAX   1024 /* bytes of most texts; longer ones are cut */

/* Frees with g_string_free(). Where a key would be longer than LMDB allows, its long parts are replaced by their
 * SHA-256. `parts` ends with NULL. */
GString *dm_journal_key(const char *const *parts);
#define DM_JOURNAL_KEY(...) dm_journal_key((const char *const[]){__VA_ARGS__, NULL})

/* A record begins with its version. `text` may be NULL and is cut after `max` bytes. */
GString *dm_journal_record(const char *version);
void dm_journal_add_text(GString *record, const char *text, gsize max);
void dm_journal_add_number(GString *record, gint64 number);

/* The versions of a kind of record: how many fields (the version counts) each has. */
typedef struct {
    gsize versions;
    gsize fields[2];
} DmJournalLayout;

/* Cuts a record into its fields, which point into it; fields that its version lacks are "". FALSE for a version that is
 * newer than the layout, and for a damaged record. */
gboolean dm_journal_split(const GString *record, const DmJournalLayout *layout,
                          const char *fields[DM_JOURNAL_FIELDS_MAX], GError **error);

gboolean dm_journal_number(const char *field, gint64 min, gint64 max, gint64 *number, GError **error);

typedef struct {
    GString *key;
    GString *record;
} DmJournalPair;

/* A list of pairs that owns them; free with g_array_unref(). */
GArray *dm_journal_pairs_new(void);

/* Takes both. */
void dm_journal_pairs_add(GArray *pairs, GString *key, GString *record);

/* All or nothing, durable on return. */
gboolean dm_journal_write(DmJournal *journal, const GArray *pairs, GError **error);

/* Takes `key`. Copies the record, *record = NULL if there is none. */
gboolean dm_journal_read(DmJournal *journal, GString *key, GString **record, GError **error);

/* Adds up to `limit` pairs whose keys begin with `prefix`, in the order of their bytes, to `pairs`; from the first key
 * behind `after` on, if that is not NULL. */
gboolean dm_journal_scan(DmJournal *journal, const GString *prefix, const GString *after, guint limit, GArray *pairs,
                         GError **error);

/* The part of a key, or field of a record, that begins behind `skip` NULs; points into it. "" if there is none. */
const char *dm_journal_part(const GString *text, guint skip);

#endif
