/*
 * Reads an archive from its first line to its last (common/archive.h) and tells whatever is not as it was written.
 *
 * Works on the archive in use, on one that was moved, and on some months of it. In memory there is the names of one
 * month's files, besides one line.
 */
#ifndef DEMAIL_COMMON_ARCHIVE_VERIFY_H
#define DEMAIL_COMMON_ARCHIVE_VERIFY_H

#include "common/archive_line.h"

typedef enum {
    DM_ARCHIVE_MISSING, /* a file that a line names, or a manifest */
    DM_ARCHIVE_CHANGED, /* a file with other bytes than its line says */
    DM_ARCHIVE_EXTRA,   /* a file that no line names */
    DM_ARCHIVE_CHAIN,   /* lines removed, changed, added or in another order */
    DM_ARCHIVE_MALFORMED,
    DM_ARCHIVE_TORN, /* the last line is not whole, and nobody is writing */
} DmArchiveProblemKind;

/* What is wrong; lent. */
typedef struct {
    DmArchiveProblemKind kind;
    char *file;  /* path below the archive */
    gint64 line; /* of a manifest, from 1; 0: no line is meant */
    char *reason;
} DmArchiveProblem;

const char *dm_archive_problem_word(DmArchiveProblemKind kind);

typedef struct {
    const char *dir;
    const char *before; /* the hash before the first line, where earlier months are elsewhere; NULL: there are none */
    const char *must_have; /* the hash of a line that must be there; NULL: none */

    /* `data` goes to both. */
    void (*problem)(const DmArchiveProblem *problem, gpointer data);
    void (*month)(const char *month, gint64 lines, const char *head, gpointer data); /* after each month */
    gpointer data;
} DmArchiveVerification;

typedef struct {
    gint64 messages;
    gint64 bytes; /* of them */
    gint64 begun; /* messages under way: submitted, and the result is not known yet */
    gint64
        unfinished; /* files with a line that a crash has kept from their place; the writer's next start moves them */
    gint64 problems;
    gboolean in_use; /* by a writer */
    char head[DM_ARCHIVE_HASH_SIZE];
} DmArchiveReport;

/* FALSE if it can't be read, or is none: DM_ERROR_NOINPUT, DM_ERROR_TEMPORARY. */
gboolean dm_archive_verify(const DmArchiveVerification *verification, DmArchiveReport *report, GError **error);

#endif
