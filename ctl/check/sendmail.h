/*
 * What is wrong with a Sendmail, by its sendmail.cf. Commands edit what that is made from: sendmail.mc beside it, and
 * the demail.m4 that this includes.
 */
#ifndef DEMAIL_CTL_CHECK_SENDMAIL_H
#define DEMAIL_CTL_CHECK_SENDMAIL_H

#include "common/config.h"

#include <glib.h>

/* The texts that the rules judge. */
typedef struct {
    const char *cf_file;
    const char *cf;
    const char *mc;      /* NULL: there is none */
    char **missing;      /* De-Mail domains that the barrier's table does not know */
    const char *barrier; /* that table's source; NULL: none is named */
} DmSendmail;

/* The rules: a pure function. Adds findings "sendmail.…". */
void dm_rules_sendmail(const DmSendmail *sendmail, const DmConfig *config, GPtrArray *findings);

/* The file that the map demail_domains of a sendmail.cf reads, or NULL. g_free(). */
char *dm_sendmail_barrier(const char *cf);

/* The value of "O NAME=…", or NULL. g_free(). */
char *dm_sendmail_option(const char *cf, const char *name);

/* The sendmail.mc that the sendmail.cf is made from: beside it. g_free(). */
char *dm_sendmail_mc(const char *cf_file);

/* The command that lets messages of `size` bytes in. g_free(). */
char *dm_sendmail_set_size(const char *cf_file, gint64 size);

/* Reads the files and judges them. *size_limit: of messages, bytes; 0: none. `domains` as in DmRules. */
void dm_check_sendmail(const char *cf_file, const DmConfig *config, char **domains, gint64 *size_limit,
                       GPtrArray *findings);

#endif
