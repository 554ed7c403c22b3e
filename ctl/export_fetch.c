#include "ctl/export_fetch.h"

#include "ctl/findings_json.h"
#include "standard/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STEP      65536
#define FILE_SIZE sizeof((DmFetch *)NULL)->file

static void name_file(char file[FILE_SIZE], guint slot)
{
    (void)snprintf(file, FILE_SIZE, ".fetch-%u", slot);
}

DmFetch *dm_fetch_new(DmEntry *entry, const char *folder, guint slot)
{
    DmFetch *fetch = g_new0(DmFetch, 1);

    fetch->entry = entry;
    fetch->folder = folder;
    fetch->fd = -1;
    name_file(fetch->file, slot);
    return fetch;
}

static void forget(DmFetch *fetch)
{
    if (fetch->fd >= 0)
        close(fetch->fd);
    fetch->fd = -1;
    g_clear_pointer(&fetch->sha256, g_free);
    g_clear_pointer(&fetch->verification, json_decref);
    g_clear_error(&fetch->error);
}

void dm_fetch_free(DmFetch *fetch)
{
    if (fetch == NULL)
        return;
    forget(fetch);
    dm_entry_free(fetch->entry);
    g_free(fetch);
}

void dm_fetch_clean(int dir)
{
    for (guint slot = 0; slot < DM_FETCH_SLOTS; slot++) {
        char file[FILE_SIZE];

        name_file(file, slot);
        (void)unlinkat(dir, file, 0);
    }
}

static gboolean fail_os(DmFetch *fetch, const char *what)
{
    g_set_error(&fetch->error, DM_ERROR, DM_ERROR_OS, "%s: %s: %s", fetch->file, what, g_strerror(errno));
    return FALSE;
}

static gboolean open_file(const DmFetcher *fetcher, DmFetch *fetch)
{
    fetch->fd = openat(fetcher->dir, fetch->file, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fetch->fd >= 0 || fail_os(fetch, "making it");
}

static gboolean read_back(DmFetch *fetch)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *buffer = g_malloc(STEP);
    char before = '\0';
    ssize_t n;

    fetch->size = 0;
    fetch->crlf = TRUE;
    while ((n = pread(fetch->fd, buffer, STEP, fetch->size)) > 0) {
        g_checksum_update(checksum, (const guchar *)buffer, n);
        for (const char *lf = memchr(buffer, '\n', (size_t)n); lf != NULL && fetch->crlf;
             lf = memchr(lf + 1, '\n', (size_t)(buffer + n - lf - 1)))
            fetch->crlf = (lf > buffer ? lf[-1] : before) == '\r';
        before = buffer[n - 1];
        fetch->size += n;
    }
    if (n < 0)
        return fail_os(fetch, "reading it");
    fetch->sha256 = g_strdup(g_checksum_get_string(checksum));
    return TRUE;
}

static gboolean judge(const DmFetcher *fetcher, DmFetch *fetch)
{
    gint64 at = fetch->entry->received > 0 ? fetch->entry->received : g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(DmFindings) findings = dm_verify(fetcher->trust, fetch->fd, at, NULL, &fetch->error);

    if (findings != NULL)
        fetch->verification = dm_findings_json(findings);
    return findings != NULL;
}

void dm_fetch_run(const DmFetcher *fetcher, DmFetch *fetch)
{
    gboolean done;

    forget(fetch);
    done = open_file(fetcher, fetch) &&
           fetcher->driver->fetch(fetcher->provider, fetch->entry->id, fetch->fd, &fetch->error) && read_back(fetch) &&
           (!fetcher->keep || fsync(fetch->fd) == 0 || fail_os(fetch, "writing it")) && judge(fetcher, fetch);
    if (!done && fetch->fd >= 0) {
        close(fetch->fd);
        fetch->fd = -1;
    }
}
