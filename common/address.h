/*
 * Addresses, and the question that everything hangs on: is this recipient De-Mail?
 */
#ifndef DEMAIL_COMMON_ADDRESS_H
#define DEMAIL_COMMON_ADDRESS_H

#include "common/domains.h"

#include <glib.h>

#define DM_ADDRESS_MAX 1024 /* bytes; longer ones are in no plain form */

/* A plain address: dot-atom or quoted local part, "@", domain. */
typedef struct {
    char *local;  /* as written */
    char *domain; /* lower case, a trailing dot removed */
} DmAddress;

/* `text` with or without angle brackets. FALSE (and a cleared `address`) if it is not local@domain with a dot-atom
 * local part and an LDH domain. */
gboolean dm_address_parse(const char *text, DmAddress *address);
void dm_address_clear(DmAddress *address);

/* Without brackets and outer blanks, in lower case: the form for comparing and for table keys. Free with g_free(). */
char *dm_address_key(const char *text);

/* Equal as addresses: without case, brackets and a trailing dot do not count. */
gboolean dm_address_equal(const char *a, const char *b);

/* The part after the last "@", lower case, without a trailing dot; NULL if there is none. Free with g_free(). */
char *dm_address_domain(const char *text);

/* Whether dm_address_parse() takes the text, without brackets. */
gboolean dm_address_is_plain(const char *text);

/* The De-Mail address of a recipient in the divert domain: in lower case, without brackets, trailing dot and divert
 * domain. NULL if the recipient is not below the divert domain. Free with g_free(). */
char *dm_address_undivert(const char *recipient, const char *divert_domain);

typedef enum {
    DM_RECIPIENT_ORDINARY,  /* e-mail */
    DM_RECIPIENT_DEMAIL,    /* plain local@domain in a De-Mail domain */
    DM_RECIPIENT_INACTIVE,  /* the same, but the trust list says that the provider is not active */
    DM_RECIPIENT_DIVERTED,  /* in the divert domain */
    DM_RECIPIENT_DISGUISED, /* reaches, or could reach, a De-Mail or divert domain in a form that we do not divert */
} DmRecipientKind;

/* Judges an envelope recipient as the MTA gave it. Disguised are source routes, "%", "!" or "@" with a De-Mail domain
 * in the local part, quoted local parts, comments, and domains that are De-Mail only after IDNA mapping. A De-Mail
 * domain behind "=" in a local part (VERP, SRS) does not count.
 * *entry (may be NULL as argument) names the entry that decided on a plain recipient, for people, or is NULL; free with
 * g_free(). FALSE with `error` set if a look-up failed. */
gboolean dm_recipient_kind(const char *recipient, const DmDomains *domains, const char *divert_domain,
                           DmRecipientKind *kind, char **entry, GError **error);

#endif
