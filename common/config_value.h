/*
 * The values of demail.conf(5): one parser per type. All parsers store only on success; the error says what is wrong
 * with the value and how to write it, without naming the key.
 */
#ifndef DEMAIL_COMMON_CONFIG_VALUE_H
#define DEMAIL_COMMON_CONFIG_VALUE_H

#include "common/error.h"

#include <glib.h>

typedef enum {
    DM_VALUE_TEXT,     /* char * */
    DM_VALUE_DOMAIN,   /* char *, lower case */
    DM_VALUE_ADDRESS,  /* char *, local@domain */
    DM_VALUE_FILE,     /* char *, absolute path */
    DM_VALUE_TABLE,    /* char *, lmdb:/… or texthash:/… */
    DM_VALUE_SOCKET,   /* char *, unix:/…, inet:… or inet6:… */
    DM_VALUE_MILTER,   /* char *, the same for libmilter (inet:PORT@HOST) */
    DM_VALUE_URL,      /* char *, https:// */
    DM_VALUE_SOURCE,   /* char *, https:// or file:/// */
    DM_VALUE_SMTP_URL, /* char *, smtp:// */
    DM_VALUE_DURATION, /* gint64, seconds: 90s, 5m, 12h, 7d */
    DM_VALUE_DATE,     /* gint64, ISO 8601: the end of the day, or a point in time */
    DM_VALUE_NUMBER,   /* gint64, decimal */
    DM_VALUE_MODE,     /* gint64, octal file mode */
    DM_VALUE_BOOL,     /* gboolean, yes or no */
    DM_VALUE_CHOICE,   /* int (an enum), index into the choices */
    DM_VALUE_LIST,     /* char **, separated by ";" */
    DM_VALUE_TOKENS,   /* char **, at least one; words without brackets and commas */
    DM_VALUE_DOMAINS,  /* char **, lower-case domains */
    DM_VALUE_FILES,    /* char **, absolute paths */
    DM_VALUE_NETWORKS, /* DmNetworks * */
} DmValueType;

typedef struct {
    DmValueType type;
    const char *const *choices; /* DM_VALUE_CHOICE: NULL-terminated */
    gint64 min;                 /* DURATION, NUMBER */
    gint64 max;
} DmValueRule;

/* Reads `text` into the member at `target`, whose old content (all zero at first) is freed. An empty text gives the
 * empty value of the type (DM_VALUE_CHOICE, _BOOL, _NUMBER, _DURATION and _MODE have none: error). */
gboolean dm_value_parse(const DmValueRule *rule, const char *text, gpointer target, GError **error);

/* Frees what the member at `target` holds. */
void dm_value_clear(DmValueType type, gpointer target);

#endif
