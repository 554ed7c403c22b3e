#include "poller/receive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 16384

static void set_os_error(GError **error, const char *path, int code)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s; check state_dir, its owner and the space on its disk", path,
                g_strerror(code));
}

char *dm_receive_dir(const char *state_dir, GError **error)
{
    char *dir = g_build_filename(state_dir, "tmp", NULL);

    if (g_mkdir(dir, 0700) == 0 || (errno == EEXIST && g_access(dir, W_OK | X_OK) == 0))
        return dir;
    set_os_error(error, dir, errno);
    g_free(dir);
    return NULL;
}

int dm_receive_file_new(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "XXXXXX", NULL);
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    /* Not every file system knows files without a name. */
    fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        set_os_error(error, dir, errno);
    } else if (g_unlink(path) != 0) {
        set_os_error(error, path, errno);
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Where the empty line begins in `text`, and where it ends; lines may end with LF alone. */
static gboolean find_empty_line(const GString *text, gsize from, gsize *begin, gsize *end)
{
    for (gsize i = from; i < text->len; i++) {
        gsize next = text->str[i] == '\r' ? i + 1 : i;

        if ((i == 0 || text->str[i - 1] == '\n') && next < text->len && text->str[next] == '\n') {
            *begin = i;
            *end = next + 1;
            return TRUE;
        }
    }
    return FALSE;
}

DmHeaders *dm_receive_file_header(int fd, off_t *body, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *chunk = g_malloc(CHUNK);
    gsize begin = 0, end = 0, searched = 0;
    gssize n;

    do {
        n = pread(fd, chunk, CHUNK, (off_t)text->len);
        if (n < 0) {
            set_os_error(error, "the fetched message", errno);
            return NULL;
        }
        g_string_append_len(text, chunk, n);
        if (n == 0)
            begin = end = text->len;
        else if (find_empty_line(text, searched, &begin, &end))
            break;
        searched = text->len > 2 ? text->len - 2 : 0;
    } while (n > 0 && text->len <= (gsize)DM_HEADERS_MAX);
    if (n > 0 && end == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the header is larger than %d bytes", DM_HEADERS_MAX);
        return NULL;
    }
    *body = (off_t)end;
    return dm_headers_parse(text->str, begin, error);
}
