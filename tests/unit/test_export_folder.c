/*
 * The folder of an export on a disk that fails: what was not written is never in the manifest, also not when the next
 * fsync() succeeds, which it does once the failure was told.
 */
#include "ctl/export_folder.h"

#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE "Subject: x\r\n\r\nText\r\n"
#define SHA256  "0000000000000000000000000000000000000000000000000000000000000000"

static gboolean disk_fails; /* the next fsync() */

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    gboolean fails = disk_fails;

    disk_fails = FALSE;
    if (!fails)
        return __real_fsync(fd);
    errno = EIO;
    return -1;
}

static DmExportFolder *open_folder(const char *dir, gint64 *cut)
{
    static const DmManifestHead head = {"gemeinde", "max@gemeinde.de-mail.de", "provider", TRUE};
    static char *const folders[] = {(char *)"inbox", NULL};
    gboolean made;
    DmExportFolder *folder =
        dm_export_folder_open(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &head, folders, &made, cut, NULL);

    assert_non_null(folder);
    return folder;
}

static void put(DmExportFolder *folder, const char *id)
{
    DmEntry *entry = g_new0(DmEntry, 1);

    entry->id = g_strdup(id);
    entry->type = g_strdup("normal");
    entry->private_id = g_strdup("");
    entry->recipients = g_new0(char *, 1);

    g_autoptr(DmFetch) fetch = dm_fetch_new(entry, "inbox", 0);

    fetch->fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    fetch->size = (gint64)strlen(MESSAGE);
    assert_int_equal(write(fetch->fd, MESSAGE, strlen(MESSAGE)), fetch->size);
    fetch->crlf = TRUE;
    fetch->sha256 = g_strdup(SHA256);
    fetch->verification = json_pack("{s:b}", "valid", TRUE);
    assert_true(dm_export_folder_put(folder, fetch, NULL));
}

static void test_failed_sync_is_final(void **state)
{
    gint64 cut;
    DmExportFolder *folder = open_folder(*state, &cut);
    g_autoptr(GError) error = NULL;

    put(folder, "m1");
    assert_true(dm_export_folder_commit(folder, NULL));
    put(folder, "m2");
    disk_fails = TRUE;
    assert_false(dm_export_folder_commit(folder, &error));
    assert_int_equal(error->code, DM_ERROR_OS);
    assert_false(dm_export_folder_commit(folder, NULL));
    dm_export_folder_close(folder);

    folder = open_folder(*state, &cut);
    assert_true(dm_manifest_has(dm_export_folder_manifest(folder), "inbox", "m1"));
    assert_false(dm_manifest_has(dm_export_folder_manifest(folder), "inbox", "m2"));
    assert_true(cut > 0);
    put(folder, "m2");
    assert_true(dm_export_folder_commit(folder, NULL));
    assert_int_equal(dm_manifest_counts(dm_export_folder_manifest(folder)).messages, 2);
    dm_export_folder_close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_failed_sync_is_final, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
