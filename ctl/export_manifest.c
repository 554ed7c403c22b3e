#include "ctl/export_manifest.h"

#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define KIND       "demail-export"
#define VERSION    1
#define SHA256_HEX 64

struct DmManifest {
    int fd;
    gint64 end;       /* after the last line that is synced */
    GString *added;   /* lines that are not */
    GHashTable *ids;  /* key_of() of what is there */
    GHashTable *gone; /* and of what is gone */
    GHashTable *ends; /* file -> gint64 * */
    DmManifestCounts counts;
};

static char *key_of(const char *folder, const char *id)
{
    return g_strconcat(folder, "/", id, NULL);
}

static gboolean fail_os(const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s: %s", DM_MANIFEST_FILE, what, g_strerror(errno));
    return FALSE;
}

static gboolean fail_line(guint number, const char *what, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT,
                "%s:%u: %s; the export is damaged: keep it, and export into a new folder", DM_MANIFEST_FILE, number,
                what);
    return FALSE;
}

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text != NULL ? text : "";
}

static gint64 number_of(const json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static gint64 time_of(const json_t *line, const char *key)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text_of(line, key), NULL);

    return time != NULL ? g_date_time_to_unix(time) : 0;
}

/* What the line says, lent by it; FALSE if it is none of ours. */
static gboolean read_message(const json_t *line, DmManifestMessage *message)
{
    *message = (DmManifestMessage){
        .id = text_of(line, "id"),
        .folder = text_of(line, "folder"),
        .gone = json_is_true(json_object_get(line, "gone")),
        .file = text_of(line, "file"),
        .offset = number_of(line, "offset"),
        .length = number_of(line, "length"),
        .crlf = json_is_true(json_object_get(line, "crlf_as_lf")),
        .size = number_of(line, "size"),
        .sha256 = text_of(line, "sha256"),
        .received = time_of(line, "received"),
        .type = text_of(line, "type"),
        .private_id = text_of(line, "private_id"),
        .verification = json_object_get(line, "verification"),
    };
    if (message->id[0] == '\0' || message->folder[0] == '\0')
        return FALSE;
    return message->gone ||
           (message->file[0] != '\0' && message->file[0] != '/' && strstr(message->file, "../") == NULL &&
            message->offset >= 0 && message->length >= 0 && message->size >= 0 &&
            strlen(message->sha256) == SHA256_HEX && message->offset <= G_MAXINT64 - message->length);
}

static json_t *write_message(const DmManifestMessage *message)
{
    g_autofree char *received = dm_output_time(message->received);

    if (message->gone)
        return json_pack("{s:s, s:s, s:b, s:s}", "id", message->id, "folder", message->folder, "gone", TRUE, "received",
                         received);
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:I, s:s, s:s, s:s, s:s, s:O}", "id", message->id, "folder",
                     message->folder, "file", message->file, "offset", (json_int_t)message->offset, "length",
                     (json_int_t)message->length, "crlf_as_lf", message->crlf, "size", (json_int_t)message->size,
                     "sha256", message->sha256, "received", received, "type", message->type, "private_id",
                     message->private_id, "verification", message->verification);
}

static void note(DmManifest *manifest, const DmManifestMessage *message)
{
    g_autofree char *key = key_of(message->folder, message->id);
    gint64 *end;

    if (message->gone) {
        manifest->counts.gone += g_hash_table_add(manifest->gone, g_steal_pointer(&key)) ? 1U : 0U;
        return;
    }
    manifest->counts.gone -= g_hash_table_remove(manifest->gone, key) ? 1U : 0U;
    manifest->counts.messages++;
    manifest->counts.bytes += message->size;
    manifest->counts.invalid += json_is_true(json_object_get(message->verification, "valid")) ? 0U : 1U;
    end = g_new(gint64, 1);
    *end = message->offset + message->length;
    g_hash_table_insert(manifest->ends, g_strdup(message->file), end);
    g_hash_table_add(manifest->ids, g_steal_pointer(&key));
}

static gboolean load_message(DmManifest *manifest, const json_t *line, guint number, GError **error)
{
    DmManifestMessage message;

    if (!read_message(line, &message))
        return fail_line(number, "no line of this version", error);
    if (!message.gone && dm_manifest_has(manifest, message.folder, message.id))
        return fail_line(number, "the message is there twice", error);
    if (!message.gone && message.offset != dm_manifest_end(manifest, message.file))
        return fail_line(number, "the message does not follow the one before it in its file", error);
    note(manifest, &message);
    return TRUE;
}

static gboolean differs(const json_t *line, const char *key, const char *wanted, GError **error)
{
    if (strcmp(text_of(line, key), wanted) == 0)
        return FALSE;
    g_set_error(error, DM_ERROR, DM_ERROR_USAGE,
                "%s: this folder is an export with %s %s, not %s; name another folder with --out", DM_MANIFEST_FILE,
                key, text_of(line, key), wanted);
    return TRUE;
}

static gboolean check_head(const json_t *line, const DmManifestHead *head, GError **error)
{
    if (strcmp(text_of(line, "manifest"), KIND) != 0 || number_of(line, "version") != VERSION)
        return fail_line(1, "no manifest of this version", error);
    return head == NULL ||
           !(differs(line, "tenant", head->tenant, error) || differs(line, "account", head->account, error) ||
             differs(line, "provider", head->provider, error) ||
             differs(line, "format", head->mbox ? "mbox" : "eml", error));
}

typedef gboolean (*LineFunc)(json_t *line, guint number, gpointer data, GError **error);

/* Hands over each whole line. `*end` is where the last of them ends. */
static gboolean read_lines(const DmManifest *manifest, LineFunc func, gpointer data, gint64 *end, GError **error)
{
    int fd = fcntl(manifest->fd, F_DUPFD_CLOEXEC, 0);
    FILE *stream = fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "r") : NULL;
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    gboolean good = stream != NULL;

    *end = 0;
    if (!good) {
        fail_os("reading it", error);
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    for (guint number = 1; good && (length = getline(&text, &room, stream)) > 0 && text[length - 1] == '\n'; number++) {
        json_t *line = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);

        good = json_is_object(line) ? func(line, number, data, error) : fail_line(number, "this is no JSON", error);
        json_decref(line);
        *end += length;
    }
    if (good && ferror(stream))
        good = fail_os("reading it", error);
    free(text);
    fclose(stream);
    return good;
}

typedef struct {
    DmManifest *manifest;
    const DmManifestHead *head;
} Load;

static gboolean load_line(json_t *line, guint number, gpointer data, GError **error)
{
    const Load *load = data;

    return number == 1 ? check_head(line, load->head, error) : load_message(load->manifest, line, number, error);
}

static void append_line(DmManifest *manifest, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    g_string_append_printf(manifest->added, "%s\n", text != NULL ? text : "");
    free(text);
    json_decref(line);
}

static gboolean begin(DmManifest *manifest, int dir, const DmManifestHead *head, GError **error)
{
    g_autofree char *now = dm_output_time(g_get_real_time() / G_USEC_PER_SEC);

    append_line(manifest, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "manifest", KIND, "version", VERSION,
                                    "tenant", head->tenant, "account", head->account, "provider", head->provider,
                                    "format", head->mbox ? "mbox" : "eml", "begun", now));
    if (!dm_manifest_sync(manifest, error))
        return FALSE;
    return fsync(dir) == 0 || fail_os("syncing the folder", error);
}

static gboolean load_all(DmManifest *manifest, int dir, const DmManifestHead *head, gboolean *made, GError **error)
{
    Load load = {manifest, head};

    if (flock(manifest->fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "%s: another export works in this folder; wait for its end",
                    DM_MANIFEST_FILE);
        return FALSE;
    }
    if (!read_lines(manifest, load_line, &load, &manifest->end, error))
        return FALSE;
    if (head != NULL && ftruncate(manifest->fd, manifest->end) != 0)
        return fail_os("cutting off an incomplete line", error);
    *made = manifest->end == 0;
    if (manifest->end == 0 && head == NULL)
        return fail_line(1, "no manifest of this version", error);
    return manifest->end > 0 || begin(manifest, dir, head, error);
}

DmManifest *dm_manifest_open(int dir, const DmManifestHead *head, gboolean *made, GError **error)
{
    int flags = head != NULL ? O_RDWR | O_CREAT : O_RDONLY;
    int fd = openat(dir, DM_MANIFEST_FILE, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    gboolean is_new = FALSE;

    if (fd < 0) {
        g_set_error(error, DM_ERROR, head != NULL ? DM_ERROR_OS : DM_ERROR_NOINPUT,
                    "%s: %s; name the folder of an export", DM_MANIFEST_FILE, g_strerror(errno));
        return NULL;
    }
    g_autoptr(DmManifest) manifest = g_new0(DmManifest, 1);
    manifest->fd = fd;
    manifest->added = g_string_new(NULL);
    manifest->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    manifest->gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    manifest->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!load_all(manifest, dir, head, &is_new, error))
        return NULL;
    if (made != NULL)
        *made = is_new;
    return g_steal_pointer(&manifest);
}

void dm_manifest_close(DmManifest *manifest)
{
    if (manifest == NULL)
        return;
    close(manifest->fd);
    g_string_free(manifest->added, TRUE);
    g_hash_table_unref(manifest->ids);
    g_hash_table_unref(manifest->gone);
    g_hash_table_unref(manifest->ends);
    g_free(manifest);
}

gboolean dm_manifest_has(const DmManifest *manifest, const char *folder, const char *id)
{
    g_autofree char *key = key_of(folder, id);

    return g_hash_table_contains(manifest->ids, key);
}

gint64 dm_manifest_end(const DmManifest *manifest, const char *file)
{
    const gint64 *end = g_hash_table_lookup(manifest->ends, file);

    return end != NULL ? *end : 0;
}

gint64 dm_manifest_length(const DmManifest *manifest)
{
    return manifest->end;
}

void dm_manifest_add(DmManifest *manifest, const DmManifestMessage *message)
{
    append_line(manifest, write_message(message));
    note(manifest, message);
}

gboolean dm_manifest_sync(DmManifest *manifest, GError **error)
{
    const char *text = manifest->added->str;
    gsize left = manifest->added->len;

    for (gint64 at = manifest->end; left > 0;) {
        ssize_t n = pwrite(manifest->fd, text, left, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_os("writing it", error);
        text += n;
        at += n;
        left -= (gsize)n;
    }
    if (manifest->added->len > 0 && fdatasync(manifest->fd) != 0)
        return fail_os("writing it", error);
    manifest->end += (gint64)manifest->added->len;
    g_string_truncate(manifest->added, 0);
    return TRUE;
}

DmManifestCounts dm_manifest_counts(const DmManifest *manifest)
{
    return manifest->counts;
}

typedef struct {
    DmManifestFunc func;
    gpointer data;
} Each;

static gboolean each_line(json_t *line, guint number, gpointer data, GError **error)
{
    const Each *each = data;
    DmManifestMessage message;

    if (number == 1)
        return TRUE;
    if (!read_message(line, &message))
        return fail_line(number, "no line of this version", error);
    return message.gone || each->func(&message, each->data, error);
}

gboolean dm_manifest_each(DmManifest *manifest, DmManifestFunc func, gpointer data, GError **error)
{
    Each each = {func, data};
    gint64 end;

    return read_lines(manifest, each_line, &each, &end, error);
}
