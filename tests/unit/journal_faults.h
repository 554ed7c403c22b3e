/*
 * Lets the n-th call of LMDB's functions, by the store, or of the system's, by LMDB and the journal, fail. The program
 * is linked with --wrap for the former; the latter are this program's own in place of the C library's.
 */
#ifndef DEMAIL_TESTS_JOURNAL_FAULTS_H
#define DEMAIL_TESTS_JOURNAL_FAULTS_H

#include <glib.h>

/* From now on the n-th call fails with `code`, an errno or one of LMDB's own codes, which only its functions give. */
void jf_arm(guint n, int code);

/* Calls do not count, or count again. */
void jf_pause(gboolean paused);

/* The function that has failed; NULL: none yet. */
const char *jf_fired(void);

/* How many calls of the function were counted since the program began. */
guint jf_count(const char *function);

#endif
