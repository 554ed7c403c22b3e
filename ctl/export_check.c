#include "ctl/export_check.h"

#include "ctl/export_mbox.h"
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP      65536
#define FROM_LINE "From "
#define TAIL_MAX  4 /* octets behind a message: two line ends */

typedef struct {
    int dir;
    char *file; /* that is open */
    int fd;
    DmExportCheckFunc func;
    gpointer data;
    DmExportChecked *checked;
} Check;

static gboolean open_file(Check *check, const char *file)
{
    if (check->fd >= 0 && g_strcmp0(check->file, file) == 0)
        return TRUE;
    if (check->fd >= 0)
        close(check->fd);
    g_free(check->file);
    check->file = g_strdup(file);
    check->fd = openat(check->dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return check->fd >= 0;
}

static const char *compare(GChecksum *checksum, gint64 size, const DmManifestMessage *message)
{
    if (size != message->size)
        return "its size is not the one in the manifest";
    if (g_ascii_strcasecmp(g_checksum_get_string(checksum), message->sha256) != 0)
        return "its SHA-256 is not the one in the manifest";
    return NULL;
}

static const char *check_file(int fd, const DmManifestMessage *message)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *buffer = g_malloc(STEP);
    gint64 done = 0;
    ssize_t n;

    while ((n = pread(fd, buffer, STEP, done)) > 0) {
        g_checksum_update(checksum, (const guchar *)buffer, n);
        done += n;
    }
    return n < 0 ? g_strerror(errno) : compare(checksum, done, message);
}

/* Where the message begins behind its From_ line, or -1. */
static gint64 skip_from_line(int fd, const DmManifestMessage *message)
{
    char line[1024];
    ssize_t n = pread(fd, line, (size_t)MIN((gint64)sizeof line, message->length), message->offset);
    const char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;

    if (end == NULL || (gsize)(end - line) < strlen(FROM_LINE) || memcmp(line, FROM_LINE, strlen(FROM_LINE)) != 0)
        return -1;
    return message->offset + (end - line) + 1;
}

/* Takes the message's own octets in, and sees that there are only line ends behind them. */
static gboolean take(GChecksum *checksum, const GString *text, gint64 size, gint64 *done)
{
    gsize own = (gsize)CLAMP(size - *done, 0, (gint64)text->len);

    g_checksum_update(checksum, (const guchar *)text->str, (gssize)own);
    *done += (gint64)text->len;
    return *done <= size + TAIL_MAX && strspn(text->str + own, "\r\n") == text->len - own;
}

static const char *check_mbox(int fd, const DmManifestMessage *message)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *buffer = g_malloc(STEP);
    g_autoptr(GString) text = g_string_new(NULL);
    DmMbox mbox = {.crlf = message->crlf};
    gint64 at = skip_from_line(fd, message);
    gint64 end = message->offset + message->length;
    gint64 done = 0;

    if (at < 0)
        return "no message begins there";
    while (at < end) {
        ssize_t n = pread(fd, buffer, (size_t)MIN(STEP, end - at), at);

        if (n <= 0)
            return n < 0 ? g_strerror(errno) : "the file ends before it";
        at += n;
        dm_mbox_read(&mbox, buffer, (gsize)n, text);
        if (at == end)
            dm_mbox_read_end(&mbox, text);
        if (!take(checksum, text, message->size, &done))
            return "there is more than the message";
        g_string_truncate(text, 0);
    }
    return compare(checksum, MIN(done, message->size), message);
}

static gboolean check_one(const DmManifestMessage *message, gpointer data, GError **error)
{
    Check *check = data;
    const char *wrong;

    (void)error;
    if (!open_file(check, message->file))
        wrong = g_strerror(errno);
    else
        wrong =
            g_str_has_suffix(message->file, ".eml") ? check_file(check->fd, message) : check_mbox(check->fd, message);
    if (wrong != NULL) {
        g_autofree char *id = dm_output_plain(message->id);
        g_autofree char *line = g_strdup_printf("export: %s: message %s at byte %" G_GINT64_FORMAT ": %s",
                                                message->file, id, message->offset, wrong);
        dm_output_complain(line);
        check->checked->damaged++;
    } else {
        check->checked->good++;
    }
    return check->func == NULL || check->func(message->size, check->data);
}

static void check_end(Check *check, const char *file, gint64 end)
{
    struct stat status;

    if (fstatat(check->dir, file, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_size <= end)
        return;
    g_autofree char *line =
        g_strdup_printf("export: %s: %" G_GINT64_FORMAT
                        " bytes behind what %s knows; the export was interrupted, and its command, given "
                        "again, goes on",
                        file, (gint64)status.st_size - end, DM_MANIFEST_FILE);
    dm_output_complain(line);
    check->checked->unfinished = TRUE;
}

static void check_ends(Check *check, const DmManifest *manifest)
{
    static const char *const boxes[] = {"inbox.mbox", "sent.mbox"};

    for (guint i = 0; i < G_N_ELEMENTS(boxes); i++)
        check_end(check, boxes[i], dm_manifest_end(manifest, boxes[i]));
    check_end(check, DM_MANIFEST_FILE, dm_manifest_length(manifest));
}

gboolean dm_export_check(int dir, DmManifest *manifest, DmExportCheckFunc func, gpointer data, DmExportChecked *checked,
                         GError **error)
{
    Check check = {.dir = dir, .fd = -1, .func = func, .data = data, .checked = checked};

    *checked = (DmExportChecked){0};
    gboolean done = dm_manifest_each(manifest, check_one, &check, error);
    if (done)
        check_ends(&check, manifest);
    if (check.fd >= 0)
        close(check.fd);
    g_free(check.file);
    return done;
}
