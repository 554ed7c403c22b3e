/*
 * Files that can't be made, opened or read: the n-th call fails, for all n and the errors that disks and limits give.
 * The calls are wrapped by the linker. Whatever fails, nothing is left open or lying about, the error says what it
 * was, and the MTA never gets half a message for a whole one.
 */
#include "poller/inject.h"
#include "poller/receive_file.h"

#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE "Subject: x\r\nX-Long: "

static const int codes[] = {ENOSPC, EIO, EMFILE, ENOMEM};

/* What is to fail: the call number `at`, and with `lasting` all after it; 0: none. */
static struct {
    guint calls;
    guint at;
    gboolean lasting;
    int code;
} plan;

static gboolean fails(void)
{
    plan.calls++;
    if (plan.at == 0 || plan.calls < plan.at || (plan.calls > plan.at && !plan.lasting))
        return FALSE;
    errno = plan.code;
    return TRUE;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);
int __real_g_mkdir(const char *path, int mode);
int __wrap_g_mkdir(const char *path, int mode);
int __real_g_access(const char *path, int mode);
int __wrap_g_access(const char *path, int mode);
int __real_g_mkstemp_full(char *path, int flags, int mode);
int __wrap_g_mkstemp_full(char *path, int flags, int mode);
int __real_g_unlink(const char *path);
int __wrap_g_unlink(const char *path);

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return fails() ? -1 : __real_open(path, flags, mode);
}

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset)
{
    return fails() ? -1 : __real_pread(fd, buffer, size, offset);
}

int __wrap_g_mkdir(const char *path, int mode)
{
    return fails() ? -1 : __real_g_mkdir(path, mode);
}

int __wrap_g_access(const char *path, int mode)
{
    return fails() ? -1 : __real_g_access(path, mode);
}

int __wrap_g_mkstemp_full(char *path, int flags, int mode)
{
    return fails() ? -1 : __real_g_mkstemp_full(path, flags, mode);
}

int __wrap_g_unlink(const char *path)
{
    return fails() ? -1 : __real_g_unlink(path);
}

static guint count_entries(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    guint entries = 0;

    while (dir && g_dir_read_name(dir))
        entries++;
    if (dir)
        g_dir_close(dir);
    return entries;
}

/* As a message comes in: the folder, the file, its header, which is longer than one read. */
static gboolean receive(const char *state_dir, GError **error)
{
    g_autofree char *dir = dm_receive_dir(state_dir, error);
    int fd = dir ? dm_receive_file_new(dir, error) : -1;
    g_autoptr(DmHeaders) headers = NULL;
    off_t body = 0;

    if (fd < 0)
        return FALSE;
    for (guint i = 0; i < 4000; i++)
        assert_int_equal(write(fd, i == 0 ? MESSAGE : "wort ", i == 0 ? strlen(MESSAGE) : 5), i == 0 ? 20 : 5);
    assert_int_equal(write(fd, "\r\n\r\nText\r\n", 10), 10);
    headers = dm_receive_file_header(fd, &body, error);
    close(fd);
    assert_true(!headers || dm_headers_count(headers, "X-Long") == 1);
    return headers != NULL;
}

/* FALSE when fewer calls than `at` were made. */
static gboolean receive_failing(const char *state_dir, guint at, gboolean lasting, int code)
{
    g_autofree char *tmp = g_build_filename(state_dir, "tmp", NULL);
    g_autoptr(GError) error = NULL;
    guint open_before = count_entries("/proc/self/fd");
    gboolean done, reached;

    plan.calls = 0;
    plan.at = at;
    plan.lasting = lasting;
    plan.code = code;
    done = receive(state_dir, &error);
    reached = plan.calls >= at;
    plan.at = 0;
    assert_true(done == (error == NULL));
    assert_true(done || strstr(error->message, g_strerror(code)));
    assert_true(done || error->code == DM_ERROR_OS);
    assert_false(done && reached && lasting);
    assert_int_equal(count_entries("/proc/self/fd"), open_before);
    assert_int_equal(count_entries(tmp), 0);
    return reached;
}

static void test_receiving(void **state)
{
    for (gsize c = 0; c < G_N_ELEMENTS(codes); c++) {
        for (gboolean lasting = FALSE; lasting <= TRUE; lasting++) {
            guint at = 1;

            while (receive_failing(*state, at, lasting, codes[c]))
                at++;
            assert_in_range(at, 5, 20);
        }
    }
    assert_true(receive(*state, NULL));
}

static void put(GOutputStream *out, const char *line)
{
    (void)g_output_stream_write_all(out, line, strlen(line), NULL, NULL, NULL);
}

/* An MTA for one connection; returns the number of messages that came to their end. */
static gpointer run_mta(gpointer listener)
{
    g_autoptr(GSocketConnection) connection = g_socket_listener_accept(listener, NULL, NULL, NULL);
    g_autoptr(GDataInputStream) in = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    gboolean in_data = FALSE;
    guint whole = 0;

    put(out, "220 mx ESMTP\r\n");
    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    for (;;) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

        if (!line)
            return GUINT_TO_POINTER(whole);
        if (in_data && !g_str_equal(line, "."))
            continue;
        whole += in_data ? 1 : 0;
        in_data = !in_data && g_str_has_prefix(line, "DATA");
        put(out, in_data ? "354 go on\r\n" : "250 mx\r\n");
    }
}

/* Hands over a message that is read in several pieces, of which the one number `at` can't be read. FALSE when there
 * were fewer. */
static gboolean inject_failing(int fd, off_t size, guint at, int code)
{
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    guint16 port = g_socket_listener_add_any_inet_port(listener, NULL, NULL);
    g_autofree char *url = g_strdup_printf("smtp://127.0.0.1:%u", port);
    g_autoptr(GString) head = g_string_new("Subject: x\r\n\r\n");
    g_autoptr(GError) error = NULL;
    GThread *mta = g_thread_new("mta", run_mta, listener);
    const DmInjection injection = {.url = url, .sender = "b@gemeinde.example", .head = head, .fd = fd, .size = size};
    char *const recipients[] = {(char *)"max@gemeinde.example", NULL};
    DmInjectResult result;
    gboolean reached;

    plan.calls = 0;
    plan.lasting = FALSE;
    plan.code = code;
    plan.at = at;
    result = dm_inject(&injection, recipients, &error);
    reached = plan.calls >= at;
    plan.at = 0;

    guint whole = GPOINTER_TO_UINT(g_thread_join(mta));

    assert_int_equal(result, reached ? DM_INJECT_LATER : DM_INJECT_DONE);
    assert_int_equal(whole, reached ? 0 : 1);
    assert_true(!reached || strstr(error->message, "can't be read"));
    return reached;
}

static void test_injecting(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);

    while (text->len < 200000)
        g_string_append(text, "Zeile\r\n");

    g_autofree char *path = ts_write(*state, "message", text->str);
    int fd = __real_open(path, O_RDONLY | O_CLOEXEC);

    for (gsize c = 0; c < G_N_ELEMENTS(codes); c++) {
        guint at = 1;

        while (inject_failing(fd, (off_t)text->len, at, codes[c]))
            at++;
        assert_in_range(at, 4, 100);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_receiving, ts_set_up, ts_tear_down),
        cmocka_unit_test_setup_teardown(test_injecting, ts_set_up, ts_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
