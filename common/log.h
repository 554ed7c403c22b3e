/*
 * The log: one line per event, key=value, to syslog (facility mail) or to standard error.
 *
 *     dm_log(DM_LOG_INFO, "diverted", DM_S("qid", qid), DM_N("recipients", n));
 *     ->  event=diverted qid=4ZxQ recipients=2
 *
 * Every line about a message carries qid=, the MTA's queue id, where the MTA has given one. Values with blanks,
 * quotes, controls or bytes that are not UTF-8 are quoted and escaped, and cut at 512 bytes. Never log a subject,
 * a body or a secret. All functions but dm_log_open() may be called from any thread.
 */
#ifndef DEMAIL_COMMON_LOG_H
#define DEMAIL_COMMON_LOG_H

#include <glib.h>

typedef enum { DM_LOG_ERROR, DM_LOG_WARNING, DM_LOG_INFO, DM_LOG_DEBUG } DmLogLevel;

typedef struct {
    const char *key; /* NULL ends a list */
    const char *text;
    gint64 number;
    gboolean is_number;
} DmLogField;

/* A field with a text (left out of the line when `v` is NULL), and one with a whole number. */
#define DM_S(k, v) ((DmLogField){(k), (v), 0, FALSE})
#define DM_N(k, v) ((DmLogField){(k), NULL, (gint64)(v), TRUE})

/* Once, before any thread starts. `program` is kept, not copied. Debug lines only with `verbose`. */
void dm_log_open(const char *program, gboolean to_stderr, gboolean verbose);

/* Whether the log goes to standard error; before dm_log_open() it does not. */
gboolean dm_log_is_stderr(void);

#define dm_log(level, event, ...) dm_log_fields((level), (event), (const DmLogField[]){__VA_ARGS__ __VA_OPT__(, ){0}})
void dm_log_fields(DmLogLevel level, const char *event, const DmLogField *fields);

/* The line that dm_log_fields() would write, without program and level. Free with g_free(). */
char *dm_log_format(const char *event, const DmLogField *fields);

#endif
