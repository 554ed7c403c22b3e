/*
 * The gateway's own tables: every entry, and whether they are older than their source.
 */
#ifndef DEMAIL_CTL_CHECK_TABLES_H
#define DEMAIL_CTL_CHECK_TABLES_H

#include "common/gateway.h"

/* Adds findings "table.…". */
void dm_check_tables(const DmGateway *gateway, GPtrArray *findings);

/* The keys of the table demail_domains, without those that it excepts. g_strfreev(). */
char **dm_check_domains(const DmConfig *config);

/* The command line that opens the source of the table `spec`, at the entry `key` where that is safe, and compiles it.
 * g_free(). */
char *dm_check_edit_command(const char *spec, const char *key);

#endif
