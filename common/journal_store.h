/*
 * The journal's typed keys and records in its store. For the journal's own modules; see journal.h.
 *
 * A key is a kind and up to three parts with NUL between them, a record is a version and fields with NUL between them.
 */
#ifndef DEMAIL_COMMON_JOURNAL_STORE_H
#define DEMAIL_COMMON_JOURNAL_STORE_H

#include "common/journal.h"
#include "common/store.h"

#include <glib.h>

#define DM_JOURNAL_FORMAT     2 /* what this program writes */
#define DM_JOURNAL_FIELDS_MAX 16
#define DM_JOURNAL_TEXT_MAX   1024 /* bytes of most texts; longer ones are cut */
#define DM_JOURNAL_ID_MAX     4096 /* bytes of a private id: 1024 characters of UTF-8 */

struct DmJournal {
    DmStore *store;
    int lock_fd;   /* of the owner's lock file, or -1 */
    gint64 format; /* of the file, as it was opened or upgraded */
};

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

/* The part of a key, or field of a record, that begins behind `skip` NULs; points into it. "" if there is none. */
const char *dm_journal_part(const GString *text, guint skip);

/* The last key of pairs that are not empty, in place of `after`: what follows comes next. */
void dm_journal_go_on(const GArray *pairs, GString *after);

#endif
