#include "sandbox/parts.h"

#include <errno.h>
#include <unistd.h>

struct DmParts {
    DmStore *store;
    char *file;
    int fd;
    gint64 end;
};

static gboolean fail(const DmParts *parts, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s/%s: %s; check the state directory", dm_store_data_dir(parts->store),
                parts->file, g_strerror(errno));
    return FALSE;
}

DmParts *dm_parts_open(DmStore *store, GError **error)
{
    char *file = NULL;
    int fd = dm_store_create_file(store, &file, error);
    if (fd < 0)
        return NULL;
    DmParts *parts = g_new0(DmParts, 1);
    parts->store = store;
    parts->file = file;
    parts->fd = fd;
    return parts;
}

gboolean dm_parts_add(DmParts *parts, const char *data, gsize length, DmSlice *slice, GError **error)
{
    dm_slice_set(slice, parts->file, parts->end, (gint64)length);
    while (length > 0) {
        ssize_t written = write(parts->fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(parts, error);
        data += written;
        length -= (gsize)written;
        parts->end += written;
    }
    return TRUE;
}

gboolean dm_parts_sync(DmParts *parts, GError **error)
{
    return fsync(parts->fd) == 0 || fail(parts, error);
}

void dm_parts_close(DmParts *parts)
{
    if (!parts)
        return;
    close(parts->fd);
    dm_store_discard_file(parts->store, parts->file);
    g_free(parts->file);
    g_free(parts);
}
