/*
 * What the unit tests share: a temporary folder, files in it, a gateway made of texts.
 */
#ifndef DEMAIL_TESTS_SUPPORT_H
#define DEMAIL_TESTS_SUPPORT_H

#include "common/gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glib.h>

/* A new folder; removed with all that is in it by ts_remove_folder(). Free with g_free(). */
char *ts_make_folder(void);
void ts_remove_folder(const char *folder);

/* For cmocka: *state is a new folder, removed at the end. */
int ts_set_up(void **state);
int ts_tear_down(void **state);

/* Writes FOLDER/NAME and returns its path. Free with g_free(). */
char *ts_write(const char *folder, const char *name, const char *text);

/* A configuration with one provider and two tenants (gemeinde.example, kreis.example) and texthash tables in `folder`;
 * `extra` is added to [gateway] (may be ""). */
DmGateway *ts_gateway(const char *folder, const char *extra);

#endif
