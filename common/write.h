/*
 * Writing to a file, all of it.
 */
#ifndef DEMAIL_COMMON_WRITE_H
#define DEMAIL_COMMON_WRITE_H

#include <glib.h>

/* Writes `size` bytes to `fd`, from its present position. FALSE with errno where not all could be written. Any thread.
 */
gboolean dm_write_all(int fd, const void *bytes, gsize size);

#endif
