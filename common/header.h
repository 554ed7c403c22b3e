/*
 * The header of one message: an ordered list of fields, bytes as they came.
 *
 * A value is everything after the colon, the leading blank included, without the final line end; a fold inside it is
 * "\n" and the blanks that follow. Names compare without case. Decoding is GMime's. A DmHeaders belongs to one thread.
 */
#ifndef DEMAIL_COMMON_HEADER_H
#define DEMAIL_COMMON_HEADER_H

#include "common/address_text.h"
#include "common/error.h"

#include <glib.h>

/* A header larger than this, names and values together, is refused with DM_ERROR_PERMANENT. */
#define DM_HEADERS_MAX 1048576

typedef struct {
    char *name;
    char *value;
} DmHeader;

typedef struct DmHeaders DmHeaders;

typedef struct {
    char *name;    /* display name, UTF-8, or NULL */
    char *address; /* addr-spec as written, without brackets and comments */
} DmMailbox;

DmHeaders *dm_headers_new(void);
void dm_headers_free(DmHeaders *headers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmHeaders, dm_headers_free)

/* At the end. DM_ERROR_PERMANENT beyond DM_HEADERS_MAX. "\r\n" in the value becomes "\n". */
gboolean dm_headers_append(DmHeaders *headers, const char *name, const char *value, GError **error);

/* At the top. `text` is printable ASCII and shorter than a line, or already folded with "\n "; the leading blank is
 * added. */
void dm_headers_prepend(DmHeaders *headers, const char *name, const char *text);

guint dm_headers_length(const DmHeaders *headers);
const DmHeader *dm_headers_at(const DmHeaders *headers, guint index);

/* How many fields have the name; the value of the n-th of them from the top (n from 0), NULL if there are fewer. */
guint dm_headers_count(const DmHeaders *headers, const char *name);
const char *dm_headers_get(const DmHeaders *headers, const char *name, guint n);

/* Replaces the value of the field at `index`; the leading blank is added to `text`. */
void dm_headers_set_at(DmHeaders *headers, guint index, const char *text);

/* Replaces the value of the n-th field of the name (n from 1, as MTAs count), if there is one. */
void dm_headers_replace(DmHeaders *headers, const char *name, guint n, const char *text);

void dm_headers_remove_at(DmHeaders *headers, guint index);
void dm_headers_remove(DmHeaders *headers, const char *name);
void dm_headers_remove_prefix(DmHeaders *headers, const char *prefix);

/* Appends "name:value\r\n" for every field, folds as CRLF. The empty line is the caller's. */
void dm_headers_write(const DmHeaders *headers, GString *out);

/* Reads a header block: lines ended by CRLF or LF, up to and without the empty line. A line that is no field is
 * DM_ERROR_PERMANENT. */
DmHeaders *dm_headers_parse(const char *block, gsize length, GError **error);

/* The value on one line: folds removed (RFC 5322 2.2.3), outer blanks trimmed. Free with g_free(). */
char *dm_header_unfold(const char *value);

/* Unfolded and decoded to UTF-8 (RFC 2047; raw bytes that are not UTF-8 are read as ISO-8859-1). Free with g_free(). */
char *dm_header_decode(const char *value);

/* UTF-8 text as a value for an unstructured field `name`: encoded by RFC 2047 where needed, folded with "\n ".
 * Free with g_free(). */
char *dm_header_encode(const char *name, const char *text);

/* All mailboxes of an address list, members of groups included, in order. Returns an array of DmMailbox *; an
 * unreadable value gives what could be read, a crowded one (common/address_text.h) nothing. `*clean` (may be NULL):
 * whether the whole value was an address list. Free with g_ptr_array_unref(). */
GPtrArray *dm_header_mailboxes(const char *value, gboolean *clean);

#endif
