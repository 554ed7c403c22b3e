/*
 * The archive: one line for each message, whatever is repeated, torn or refused by the disk; and a verifier that finds
 * whatever was changed.
 */
#include "common/archive.h"

#include "common/archive_verify.h"
#include "tests/unit/support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define GID     "00112233445566778899aabbccddeeff"
#define DRAFT   "Subject: x\r\n\r\nDraft\r\n"
#define MESSAGE "Subject: Anfrage\r\n\r\nText\r\n"

static char *const both[] = {(char *)"erika@muster.de-mail.de", (char *)"o,tto%@muster.de-mail.de", NULL};

static guint synced; /* files, no folders */

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    struct stat info;

    synced += fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? 1 : 0;
    return __real_fsync(fd);
}

/* What verify said: the words of the kinds, each with a blank. */
typedef struct {
    GString *kinds;
    GString *reasons;
    DmArchiveReport report;
    char *first_head; /* of the first month */
} Findings;

static void on_problem(const DmArchiveProblem *problem, gpointer data)
{
    Findings *findings = data;

    g_string_append_printf(findings->kinds, "%s ", dm_archive_problem_word(problem->kind));
    g_string_append_printf(findings->reasons, "%s: %s\n", problem->file, problem->reason);
}

static void on_month(const char *month, gint64 lines, const char *head, gpointer data)
{
    Findings *findings = data;

    assert_true(dm_archive_is_month(month));
    assert_true(lines >= 0);
    if (!findings->first_head)
        findings->first_head = g_strdup(head);
}

static void findings_clear(Findings *findings)
{
    g_string_free(findings->kinds, TRUE);
    g_string_free(findings->reasons, TRUE);
    g_free(findings->first_head);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Findings, findings_clear)

static void verify_with(const char *dir, const char *before, const char *must_have, Findings *findings)
{
    const DmArchiveVerification order = {.dir = dir,
                                         .before = before,
                                         .must_have = must_have,
                                         .problem = on_problem,
                                         .month = on_month,
                                         .data = findings};

    *findings = (Findings){.kinds = g_string_new(NULL), .reasons = g_string_new(NULL)};
    assert_true(dm_archive_verify(&order, &findings->report, NULL));
}

/* `kinds`: of the problems that there are to be. */
static void expect(const char *dir, gint64 messages, const char *kinds)
{
    g_auto(Findings) findings = {0};

    verify_with(dir, NULL, NULL, &findings);
    if (!g_str_equal(findings.kinds->str, kinds))
        print_error("%s", findings.reasons->str);
    assert_string_equal(findings.kinds->str, kinds);
    assert_int_equal(findings.report.messages, messages);
}

static int file_with(const char *text)
{
    int fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    gssize length = (gssize)strlen(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, (gsize)length), length);
    return fd;
}

static gboolean put_file(DmArchive *archive, const char *id, int fd)
{
    const DmArchiveEntry entry = {.tenant = "gemeinde",
                                  .type = "normal",
                                  .provider_id = id,
                                  .sender = "a b@x.de-mail.de",
                                  .recipients = both,
                                  .verified = "pass"};

    return dm_archive_put(archive, &entry, fd, NULL);
}

static gboolean put_text(DmArchive *archive, const char *id, const char *text)
{
    int fd = file_with(text);
    gboolean good = put_file(archive, id, fd);

    close(fd);
    return good;
}

static DmArchiveDraft *begin(DmArchive *archive, gboolean sync)
{
    const DmArchiveEntry entry = {
        .tenant = "gemeinde", .gateway_id = GID, .queue_id = "4Q", .sender = "max@x.de-mail.de", .recipients = both};
    DmArchiveDraft *draft = dm_archive_draft_new(archive, &entry, NULL);

    assert_non_null(draft);
    assert_true(dm_archive_draft_write(draft, DRAFT, strlen(DRAFT), NULL));
    assert_true(!sync || dm_archive_draft_sync(draft, NULL));
    return draft;
}

static char *month_path(const char *dir, const char *name)
{
    g_autoptr(GPtrArray) months = dm_archive_months(dir, NULL);

    assert_int_equal(months->len, 1);
    return g_build_filename(dir, g_ptr_array_index(months, 0), name, NULL);
}

static char *read_manifest(const char *dir)
{
    g_autofree char *path = month_path(dir, "manifest");
    char *text = NULL;

    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void write_manifest(const char *dir, const char *text)
{
    g_autofree char *path = month_path(dir, "manifest");

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static guint count_begun(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "begun", NULL);
    GDir *folder = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(folder))
        n++;
    g_dir_close(folder);
    return n;
}

/* An archive of three received messages, closed. Their lines, with the ends. */
static char **fill(const char *dir)
{
    g_autoptr(DmArchive) archive = dm_archive_open(dir, NULL);

    assert_true(put_text(archive, "m1", MESSAGE "1"));
    assert_true(put_text(archive, "m2", MESSAGE "2"));
    assert_true(put_text(archive, "m3", MESSAGE "3"));

    g_autofree char *text = read_manifest(dir);
    char **lines = g_strsplit(text, "\n", -1);

    assert_int_equal(g_strv_length(lines), 4);
    return lines;
}

static void test_received_once(void **state)
{
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    assert_true(put_text(archive, "m1", MESSAGE));
    assert_true(put_text(archive, "m1", MESSAGE));
    assert_true(put_text(archive, "m2", MESSAGE));
    assert_true(put_text(archive, "m1", MESSAGE "changed"));
    g_clear_pointer(&archive, dm_archive_close);
    archive = dm_archive_open(*state, NULL);
    assert_true(put_text(archive, "m2", MESSAGE));
    assert_int_equal(count_begun(*state), 0);
    expect(*state, 3, "");

    g_autofree char *text = read_manifest(*state);

    assert_non_null(strstr(text,
                           " direction=received type=normal id=m1 sender=a%20b@x.de-mail.de "
                           "recipients=erika@muster.de-mail.de,o%2Ctto%25@muster.de-mail.de verified=pass size="));
    assert_int_equal(strncmp(text, "seq=1 time=", 11), 0);
}

static void test_sent(void **state)
{
    static const DmArchiveResult results[] = {DM_ARCHIVE_ACCEPTED, DM_ARCHIVE_REFUSED};
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);
    g_autoptr(DmArchiveDraft) draft = begin(archive, TRUE);

    expect(*state, 0, "");
    assert_true(dm_archive_draft_finish(draft, "p-1", results, NULL));
    expect(*state, 1, "");
    assert_int_equal(count_begun(*state), 0);

    g_autofree char *text = read_manifest(*state);
    g_autofree char *file = dm_archive_line_get(text, "file");
    g_autofree char *path = month_path(*state, file);
    g_autofree char *bytes = NULL;

    assert_non_null(strstr(text, " direction=sent gid=" GID " qid=4Q sender=max@x.de-mail.de id=p-1 "
                                 "accepted=erika@muster.de-mail.de refused=o%2Ctto%25@muster.de-mail.de size="));
    assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    assert_string_equal(bytes, DRAFT);
}

static void test_dropped_leaves_nothing(void **state)
{
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);
    g_autoptr(DmArchiveDraft) draft = begin(archive, TRUE);

    dm_archive_draft_drop(draft);
    assert_int_equal(count_begun(*state), 0);
    expect(*state, 0, "");
}

/* What is begun outlives the program, and is ended then. */
static void test_resumed(void **state)
{
    static const DmArchiveResult results[] = {DM_ARCHIVE_UNKNOWN, DM_ARCHIVE_DEFERRED};
    DmArchive *archive = dm_archive_open(*state, NULL);
    g_autoptr(GPtrArray) held = NULL;

    dm_archive_draft_free(begin(archive, TRUE));
    dm_archive_close(archive);
    archive = dm_archive_open(*state, NULL);

    g_autoptr(GPtrArray) ids = dm_archive_begun(archive, NULL);
    g_autoptr(GPtrArray) drafts = dm_archive_resume(archive, GID, NULL);

    assert_int_equal(ids->len, 1);
    assert_string_equal(g_ptr_array_index(ids, 0), GID);
    assert_int_equal(drafts->len, 1);
    held = dm_archive_resume(archive, GID, NULL);
    assert_int_equal(held->len, 0);

    DmArchiveDraft *draft = g_ptr_array_index(drafts, 0);

    assert_string_equal(dm_archive_draft_gateway_id(draft), GID);
    assert_string_equal(dm_archive_draft_recipients(draft)[1], both[1]);
    assert_true(dm_archive_draft_finish(draft, "", results, NULL));
    expect(*state, 1, "");

    g_autofree char *text = read_manifest(*state);

    assert_non_null(strstr(text, " gid=" GID " qid=4Q sender=max@x.de-mail.de deferred=o%2Ctto%25@muster.de-mail.de "
                                 "unknown=erika@muster.de-mail.de size=21 "));
    g_clear_pointer(&drafts, g_ptr_array_unref);
    dm_archive_close(archive);
}

/* Without an envelope, or without bytes, nothing was submitted. */
static void test_half_begun_is_removed(void **state)
{
    DmArchive *archive = dm_archive_open(*state, NULL);
    g_autofree char *begun = g_build_filename(*state, "begun", NULL);

    dm_archive_close(archive);
    g_free(ts_write(begun, "sent-" GID "-1.eml", DRAFT));
    g_free(ts_write(begun, "sent-" GID "-2.eml", ""));
    g_free(ts_write(begun, "sent-" GID "-2.eml.envelope", "tenant=x recipients=a@b \n"));
    g_free(ts_write(begun, "sent-" GID "-3.eml", DRAFT));
    g_free(ts_write(begun, "sent-" GID "-3.eml.envelope", "tenant=x recip"));
    g_free(ts_write(begun, "received-1.eml", MESSAGE));
    archive = dm_archive_open(*state, NULL);
    assert_int_equal(count_begun(*state), 0);
    dm_archive_close(archive);
}

/* An envelope that can't be read now does not show that nothing was submitted. */
static void test_unreadable_envelope(void **state)
{
    DmArchive *archive = dm_archive_open(*state, NULL);
    g_autofree char *begun = g_build_filename(*state, "begun", NULL);
    g_autofree char *envelope = g_build_filename(begun, "sent-" GID "-1.eml.envelope", NULL);
    g_autoptr(GError) error = NULL;

    dm_archive_close(archive);
    g_free(ts_write(begun, "sent-" GID "-1.eml", DRAFT));
    assert_int_equal(symlink(envelope, envelope), 0); /* ELOOP */
    assert_null(dm_archive_open(*state, &error));
    assert_true(dm_error_is_temporary(error));
    assert_int_equal(count_begun(*state), 2);
    assert_int_equal(g_unlink(envelope), 0);
    g_free(ts_write(begun, "sent-" GID "-1.eml.envelope", "tenant=x recipients=a@b \n"));
    archive = dm_archive_open(*state, NULL);
    assert_int_equal(count_begun(*state), 2);
    dm_archive_close(archive);
}

/* A line that a killed process has left may not be on the disk yet, and is not written again. */
static void test_line_of_a_killed_writer(void **state)
{
    g_auto(GStrv) lines = fill(*state);

    synced = 0;

    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    assert_int_equal(synced, 1);
    assert_true(put_text(archive, "m3", MESSAGE "3"));
    expect(*state, 3, "");
}

/* The crash came between the line and the place of its file. */
static void test_line_without_place(void **state)
{
    g_auto(GStrv) lines = fill(*state);
    g_autofree char *name = dm_archive_line_get(lines[1], "file");
    g_autofree char *path = month_path(*state, name);
    g_autofree char *begun = g_build_filename(*state, "begun", name, NULL);
    g_auto(Findings) findings = {0};

    assert_int_equal(g_rename(path, begun), 0);
    verify_with(*state, NULL, NULL, &findings);
    assert_int_equal(findings.report.problems, 0);
    assert_int_equal(findings.report.unfinished, 1);

    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    assert_int_equal(g_access(path, F_OK), 0);
    assert_int_equal(count_begun(*state), 0);
    expect(*state, 3, "");
}

static void test_torn_line(void **state)
{
    g_auto(GStrv) lines = fill(*state);
    g_autofree char *torn = g_strdup_printf("%s\n%s\n%s", lines[0], lines[1], lines[2]);
    g_autofree char *name = dm_archive_line_get(lines[2], "file");
    g_autofree char *path = month_path(*state, name);

    write_manifest(*state, torn);
    assert_int_equal(g_unlink(path), 0);
    expect(*state, 2, "torn ");

    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    expect(*state, 2, "");
    assert_true(put_text(archive, "m3", MESSAGE "3"));
    expect(*state, 3, "");
}

/* Every way to touch a line or a file. */
static void test_tampering(void **state)
{
    g_auto(GStrv) l = fill(*state);
    g_autofree char *good = read_manifest(*state);
    g_autofree char *other = g_strdup(l[1]);

    memcpy(strstr(other, "normal"), "formal", 6);

    const struct {
        char *text;
        gint64 messages;
        const char *kinds;
    } manifests[] = {
        {g_strdup_printf("%s\n%s\n%s\n", l[0], other, l[2]), 3, "chain "},
        {g_strdup_printf("%s\n%s\n", l[0], l[2]), 2, "chain extra "},
        {g_strdup_printf("%s\n%s\n", l[1], l[2]), 2, "chain extra "},
        {g_strdup_printf("%s\n%s\n", l[0], l[1]), 2, "extra "},
        {g_strdup_printf("%s\n%s\n%s\n", l[0], l[2], l[1]), 3, "chain chain "},
        {g_strdup_printf("%s\n%s\n%s\n%s\n", l[0], l[1], l[1], l[2]), 4, "chain chain "},
        {g_strdup_printf("%s\n%s\nnothing\n%s\n", l[0], l[1], l[2]), 4, "malformed malformed chain "},
        {g_strdup_printf("%s\n%s\n%s\n%s", l[0], l[1], l[2], "seq=4 time="), 3, "torn "},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(manifests); i++) {
        write_manifest(*state, manifests[i].text);
        expect(*state, manifests[i].messages, manifests[i].kinds);
        g_free(manifests[i].text);
    }
    write_manifest(*state, good);
    expect(*state, 3, "");

    g_autofree char *name = dm_archive_line_get(l[0], "file");
    g_autofree char *path = month_path(*state, name);
    g_autofree char *folder = g_path_get_dirname(path);

    assert_true(g_file_set_contents(path, MESSAGE "9", -1, NULL));
    expect(*state, 3, "changed ");
    assert_int_equal(g_unlink(path), 0);
    expect(*state, 3, "missing ");
    g_free(ts_write(folder, "foreign.eml", ""));
    g_free(ts_write(folder, "manifest.sig", ""));
    expect(*state, 3, "missing extra ");
}

static void test_tampering_with_the_last_line(void **state)
{
    g_auto(GStrv) l = fill(*state);
    g_autofree char *text = read_manifest(*state);
    g_autofree char *lied = g_strdup(text);
    char *size = strstr(strstr(lied, l[2]), " size=") + strlen(" size=");

    *size = *size == '9' ? '8' : '9';
    write_manifest(*state, lied);
    expect(*state, 3, "malformed ");
    write_manifest(*state, text);
    expect(*state, 3, "");
}

/* An older month is not written to, also while the archive is in use. */
static void test_torn_line_of_an_older_month(void **state)
{
    g_auto(GStrv) l = fill(*state);
    g_autofree char *month = month_path(*state, "");
    g_autofree char *old = g_build_filename(*state, "2001-01", NULL);
    g_autofree char *text = g_strdup_printf("%s\n%s\n%s\nseq=4", l[0], l[1], l[2]);

    assert_int_equal(g_rename(month, old), 0);

    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    assert_true(put_text(archive, "m4", MESSAGE "4"));
    expect(*state, 4, "");
    g_free(ts_write(old, "manifest", text));
    expect(*state, 4, "torn ");
}

static void test_no_archive(void **state)
{
    const DmArchiveVerification order = {.dir = *state, .problem = on_problem, .month = on_month};
    g_autoptr(GError) error = NULL;
    DmArchiveReport report;

    assert_false(dm_archive_verify(&order, &report, &error));
    assert_int_equal(error->code, DM_ERROR_NOINPUT);
}

/* Lines that were cut off at the end, with their files, leave a chain that is whole; a head noted elsewhere tells. */
static void test_cut_off_end(void **state)
{
    g_auto(GStrv) l = fill(*state);
    g_autofree char *cut = g_strdup_printf("%s\n%s\n", l[0], l[1]);
    g_autofree char *name = dm_archive_line_get(l[2], "file");
    g_autofree char *path = month_path(*state, name);
    g_auto(Findings) whole = {0}, found = {0}, missed = {0};

    verify_with(*state, NULL, NULL, &whole);
    verify_with(*state, NULL, whole.report.head, &found);
    assert_int_equal(found.report.problems, 0);
    write_manifest(*state, cut);
    assert_int_equal(g_unlink(path), 0);
    expect(*state, 2, "");
    verify_with(*state, NULL, whole.report.head, &missed);
    assert_string_equal(missed.kinds->str, "chain ");
}

/* Moves the month into the past; its line stays what it is. */
static void test_months(void **state)
{
    g_autofree char *elsewhere = ts_make_folder();
    g_autofree char *old = g_build_filename(*state, "2001-01", NULL);
    g_autofree char *moved = g_build_filename(elsewhere, "2001-01", NULL);
    g_auto(Findings) all = {0}, alone = {0}, with_head = {0}, wrong = {0};
    g_auto(GStrv) lines = fill(*state);
    g_autofree char *month = month_path(*state, "");

    assert_int_equal(g_rename(month, old), 0);

    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);

    assert_true(put_text(archive, "m1", MESSAGE "1")); /* known, from another month */
    assert_true(put_text(archive, "m4", MESSAGE "4"));
    verify_with(*state, NULL, NULL, &all);
    assert_int_equal(all.report.problems, 0);
    assert_int_equal(all.report.messages, 4);
    assert_int_equal(g_rename(old, moved), 0);
    verify_with(*state, NULL, NULL, &alone);
    assert_string_equal(alone.kinds->str, "chain ");
    verify_with(*state, all.first_head, NULL, &with_head);
    assert_int_equal(with_head.report.problems, 0);
    assert_string_equal(with_head.report.head, all.report.head);
    verify_with(*state, all.report.head, NULL, &wrong);
    assert_string_equal(wrong.kinds->str, "chain ");
    expect(elsewhere, 3, "");
    ts_remove_folder(elsewhere);
}

/* Every write fails while the limit stands; nothing is lost or doubled when it is gone. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size > 0 ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    static const DmArchiveResult results[] = {DM_ARCHIVE_ACCEPTED, DM_ARCHIVE_ACCEPTED};
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);
    DmArchiveDraft *draft = begin(archive, TRUE);
    int fd = file_with(MESSAGE);

    assert_true(put_text(archive, "m1", MESSAGE));
    for (rlim_t size = 1; size < 2000; size += 61) {
        limit_files(size);
        gboolean sent = draft && dm_archive_draft_finish(draft, "p-1", results, NULL);
        gboolean received = put_file(archive, "m2", fd);
        limit_files(0);
        if (sent)
            g_clear_pointer(&draft, dm_archive_draft_free);
        expect(*state, 1 + (draft ? 0 : 1) + (received ? 1 : 0), "");
    }
    close(fd);
    assert_null(draft);
    assert_true(put_text(archive, "m2", MESSAGE));
    expect(*state, 3, "");
    assert_int_equal(count_begun(*state), 0);
}

static void test_full_disk_while_it_is_begun(void **state)
{
    const DmArchiveEntry entry = {
        .tenant = "gemeinde", .gateway_id = GID, .sender = "max@x.de-mail.de", .recipients = both};
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);
    g_autoptr(DmArchiveDraft) draft = NULL;
    g_autoptr(GError) error = NULL;

    limit_files(20);
    draft = dm_archive_draft_new(archive, &entry, &error);
    limit_files(0);
    assert_null(draft);
    assert_true(dm_error_is_temporary(error));
    assert_int_equal(count_begun(*state), 0);
}

static void test_one_writer(void **state)
{
    g_autoptr(DmArchive) archive = dm_archive_open(*state, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(Findings) findings = {0};

    assert_null(dm_archive_open(*state, &error));
    assert_int_equal(error->code, DM_ERROR_UNAVAILABLE);
    verify_with(*state, NULL, NULL, &findings);
    assert_true(findings.report.in_use);
}

static void refuse(const char *dir, DmError code, const char *words)
{
    g_autoptr(GError) error = NULL;

    assert_false(dm_archive_check(dir, &error));
    assert_int_equal(error->code, code);
    assert_non_null(strstr(error->message, words));
}

static void test_folder(void **state)
{
    g_autofree char *missing = g_build_filename(*state, "missing", NULL);
    g_autofree char *file = ts_write(*state, "file", "");
    g_autofree char *link = g_build_filename(*state, "link", NULL);
    const mode_t open_modes[] = {0701, 0704, 0720, 0777};

    refuse(missing, DM_ERROR_NOINPUT, "is no folder");
    refuse(file, DM_ERROR_NOINPUT, "is no folder");
    assert_int_equal(symlink(*state, link), 0);
    refuse(link, DM_ERROR_NOINPUT, "is no folder");
    for (gsize i = 0; i < G_N_ELEMENTS(open_modes); i++) {
        assert_int_equal(chmod(*state, open_modes[i]), 0);
        refuse(*state, DM_ERROR_NOPERM, "chmod 700");
    }
    assert_int_equal(chmod(*state, 0750), 0);
    assert_true(dm_archive_check(*state, NULL));
    if (geteuid() != 0)
        refuse("/", DM_ERROR_NOPERM, "another user");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, ts_set_up, ts_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(received_once),
        TEST(sent),
        TEST(dropped_leaves_nothing),
        TEST(resumed),
        TEST(half_begun_is_removed),
        TEST(unreadable_envelope),
        TEST(line_of_a_killed_writer),
        TEST(line_without_place),
        TEST(torn_line),
        TEST(tampering),
        TEST(tampering_with_the_last_line),
        TEST(torn_line_of_an_older_month),
        TEST(no_archive),
        TEST(cut_off_end),
        TEST(months),
        TEST(full_disk),
        TEST(full_disk_while_it_is_begun),
        TEST(one_writer),
        TEST(folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
