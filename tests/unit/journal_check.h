/*
 * What every journal must be like, whatever happened to it.
 */
#ifndef DEMAIL_TESTS_JOURNAL_CHECK_H
#define DEMAIL_TESTS_JOURNAL_CHECK_H

#include "common/journal.h"

/* All pairs, one a line, with "|" for NUL. Free with g_free(). */
char *jc_dump(DmJournal *journal);

/* The first index entry that finds nothing, record that is not found, or part of a De-Mail that is left over; NULL if
 * there is none. Free with g_free(). */
char *jc_problem(DmJournal *journal);

/* One pair, also into a journal that is made so; texts with NUL. The journal must not be open in this process. */
void jc_put_raw(const char *folder, const char *key, gsize key_length, const char *record, gsize length);
#define JC_PUT_RAW(folder, key, record) jc_put_raw(folder, key, sizeof(key) - 1, record, sizeof(record) - 1)

#endif
