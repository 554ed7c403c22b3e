/*
 * The stamp: the milter's word to the poller that it decided on this message, for these recipients.
 *
 *     X-Demail-Stamp: v=1; id=<gateway id>; q=<queue id>; tenant=<name>; unit=<unit>; t=<unix time>; rcpt=<tag,tag>;
 *      mac=<hex>
 *
 * unit is the organisational unit that the table senders names for the sender, UTF-8, percent-encoded (RFC 3986; at
 * most DM_STAMP_UNIT_MAX bytes before that); without one the element is missing, as in stamps of older versions.
 * A recipient's tag is the first 16 hex digits of HMAC-SHA256(key, id || NUL || recipient), the recipient in lower case
 * and without divert domain. mac is HMAC-SHA256(key, text), where text is, each followed by LF:
 *   1. the stamp's value up to and without "; mac=",
 *   2. "sender:" and the envelope sender in lower case, without brackets,
 *   3. for every field whose name begins with X-de-mail-, and From, Subject and Message-ID:
 *      the name in lower case, ":", the value.
 * All blanks and line ends are removed from 1 and 3 before they go in, so that no MTA's refolding matters: a MAC that
 * ignores blanks still fixes every word. From goes in without quotes and backslashes too, for Sendmail quotes display
 * names anew when it delivers. Fields of the same name keep their order; fields of different names are sorted by name,
 * because MTAs insert at different places.
 */
#ifndef DEMAIL_COMMON_STAMP_H
#define DEMAIL_COMMON_STAMP_H

#include "common/header.h"

#include <glib.h>

#define DM_STAMP_ID_LENGTH      32 /* hex digits: 48 bits of time, 80 random ones */
#define DM_STAMP_TAG_LENGTH     16 /* hex digits */
#define DM_STAMP_KEY_MIN        32 /* bytes */
#define DM_STAMP_RECIPIENTS_MAX 10000
#define DM_STAMP_UNIT_MAX       255 /* bytes; a longer unit is cut, between characters */

typedef struct {
    char *id;
    char *queue_id; /* of the MTA when the stamp was made; may be empty */
    char *tenant;
    char *unit;       /* may be empty */
    gint64 time;      /* seconds since the epoch */
    GHashTable *tags; /* a set */
} DmStamp;

void dm_stamp_clear(DmStamp *stamp);

/* A new gateway id, greater than those of earlier milliseconds: what the journal keeps about De-Mails of one time stands
 * together then, however many there are. Free with g_free(); DM_ERROR_OS if the system has no random numbers. */
char *dm_stamp_new_id(GError **error);

/* The field's value, folded with "\n " so that no line is longer than 78 characters. `recipients` (char *) are De-Mail
 * addresses without divert domain; `headers` as they will stand in the queue; `unit` may be NULL; `time` 0 means now.
 * Free with g_free(). */
char *dm_stamp_make(GBytes *key, const char *id, const char *queue_id, const char *tenant, const char *unit,
                    gint64 time, GPtrArray *recipients, const char *sender, const DmHeaders *headers, GError **error);

/* Reads and verifies the stamp in `headers` (exactly one). DM_ERROR_PERMANENT says what is wrong: missing, malformed,
 * forged or older than `max_age` seconds (0: any age); DM_ERROR_TEMPORARY that it is good, but from the future. */
gboolean dm_stamp_verify(GBytes *key, const DmHeaders *headers, const char *sender, gint64 max_age, DmStamp *stamp,
                         GError **error);

/* Whether the verified stamp covers the recipient (a De-Mail address without divert domain). */
gboolean dm_stamp_covers(GBytes *key, const DmStamp *stamp, const char *recipient);

#endif
