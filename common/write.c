#include "common/write.h"

#include <errno.h>
#include <unistd.h>

gboolean dm_write_all(int fd, const void *bytes, gsize size)
{
    const char *next = bytes;

    while (size > 0) {
        gssize n = write(fd, next, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return FALSE;
        next += n;
        size -= (gsize)n;
    }
    return TRUE;
}
