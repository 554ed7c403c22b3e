/*
 * The file that an incoming message waits in while it is handed to the MTA: without a name, so that nothing of it
 * remains after a crash.
 */
#ifndef DEMAIL_POLLER_RECEIVE_FILE_H
#define DEMAIL_POLLER_RECEIVE_FILE_H

#include "common/header.h"

#include <sys/types.h>

/* The folder below state_dir for such files; made if it is missing. Free with g_free(). */
char *dm_receive_dir(const char *state_dir, GError **error);

/* An empty file in `dir`, mode 0600; the caller closes it. -1 with `error` set. */
int dm_receive_file_new(const char *dir, GError **error);

/* Reads the header at the beginning of `fd`; *body is where the body begins, behind the empty line. DM_ERROR_PERMANENT
 * if it is no header or larger than DM_HEADERS_MAX. Does not move the file's position. */
DmHeaders *dm_receive_file_header(int fd, off_t *body, GError **error);

#endif
