/*
 * Tag lists, "name=value; name=value" (RFC 6376 3.2). Made by hand: what is hashed needs the very octets where a value
 * begins and ends, which no library tells. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_TAG_LIST_H
#define DEMAIL_STANDARD_TAG_LIST_H

#include <glib.h>

typedef struct {
    char *name;
    char *value; /* unfolded, without outer blanks */
    gsize start; /* where, in the text, the value with all blanks around it begins … */
    gsize end;   /* … and ends: at ";" or at the end of the text */
} DmTag;

/* All tags in order, DmTag *; a name may stand there twice. NULL if the text is no tag list. g_ptr_array_unref(). */
GPtrArray *dm_tag_list_read(const char *text, gsize length);

/* The first tag of exactly that name, or NULL. */
const DmTag *dm_tag_list_find(const GPtrArray *tags, const char *name);

#endif
