/*
 * Refusals: everything that a user may be told when a message is not taken, in English and German.
 *
 * A text is one line of ASCII, names the address or word that it is about, and says what to do.
 */
#ifndef DEMAIL_COMMON_REFUSAL_H
#define DEMAIL_COMMON_REFUSAL_H

#include "common/config.h"

#include <glib.h>

typedef enum {
    DM_REFUSAL_UNTRUSTED,           /* recipient */
    DM_REFUSAL_DISGUISED,           /* recipient */
    DM_REFUSAL_DIVERT_DOMAIN,       /* recipient */
    DM_REFUSAL_INACTIVE,            /* De-Mail address */
    DM_REFUSAL_FROM_COUNT,          /* De-Mail recipient */
    DM_REFUSAL_FROM_NOT_ENVELOPE,   /* From, envelope sender */
    DM_REFUSAL_FROM_NOT_LOGIN,      /* From, login */
    DM_REFUSAL_NO_TENANT,           /* From */
    DM_REFUSAL_CLIENT,              /* client address, tenant */
    DM_REFUSAL_NOT_LISTED,          /* From */
    DM_REFUSAL_NO_DEMAIL_ADDRESS,   /* From */
    DM_REFUSAL_DIRECTION,           /* tenant */
    DM_REFUSAL_PROVIDER_ENDED,      /* provider */
    DM_REFUSAL_MIXED_ENVELOPE,      /* De-Mail recipient, e-mail recipient */
    DM_REFUSAL_MIXED_HEADER,        /* De-Mail recipient, address in To or Cc */
    DM_REFUSAL_UNREADABLE_HEADER,   /* field name */
    DM_REFUSAL_UNKNOWN_TOKEN,       /* known tokens */
    DM_REFUSAL_OPTION_VALUE,        /* field */
    DM_REFUSAL_OPTION_CONFLICT,     /* field, option */
    DM_REFUSAL_OPTION_NOT_ALLOWED,  /* option, From */
    DM_REFUSAL_PSEUDONYM,           /* De-Mail address */
    DM_REFUSAL_PRIVATE_ID,          /* (nothing) */
    DM_REFUSAL_WITHOUT_DEMAIL,      /* token */
    DM_REFUSAL_TOO_MANY_RECIPIENTS, /* (nothing) */
    DM_REFUSAL_HEADER_TOO_LARGE,    /* (nothing) */
    DM_REFUSAL_TABLE,               /* tempfail; (nothing) */
    DM_REFUSAL_INTERNAL,            /* tempfail; (nothing) */
} DmRefusal;

#define DM_REFUSAL_COUNT (DM_REFUSAL_INTERNAL + 1)

/* The rule's name for log and explain, "mixed-envelope". */
const char *dm_refusal_rule(DmRefusal refusal);

/* 550 or 451 and the like; the enhanced status code, "5.7.1". */
guint dm_refusal_smtp_code(DmRefusal refusal);
const char *dm_refusal_status(DmRefusal refusal);

/* The text with up to two words filled in (NULL where the refusal has fewer); each is cut at 128 bytes, and what is not
 * printable ASCII becomes "?". Free with g_free(). */
char *dm_refusal_text(DmRefusal refusal, DmLanguage language, const char *first, const char *second);

#endif
