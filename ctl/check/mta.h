/*
 * The MTA: which one there is, and what is wrong with it.
 */
#ifndef DEMAIL_CTL_CHECK_MTA_H
#define DEMAIL_CTL_CHECK_MTA_H

#include "common/config.h"

#include <glib.h>

typedef struct {
    char *postfix_config; /* --postfix-config, or MAIL_CONFIG; or NULL */
    char *sendmail_cf;    /* --sendmail-cf, or NULL */
    char *mail_user;      /* whom Postfix's clients run as; "root" with Sendmail; NULL before dm_check_mta() */
    gint64 size_limit;    /* of messages, bytes; 0: none, or not known */
    gboolean postfix;     /* it is Postfix */
} DmMta;

/* Looks at Postfix, or where there is none at Sendmail, and adds what is wrong. `domains` as in DmRules. */
void dm_check_mta(DmMta *mta, const DmConfig *config, char **domains, GPtrArray *findings);

/* Adds a finding if messages of `size` bytes from the provider are more than the MTA takes. */
void dm_check_size(const DmMta *mta, gint64 size, GPtrArray *findings);

void dm_mta_clear(DmMta *mta);

#endif
