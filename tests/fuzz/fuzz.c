#define G_LOG_USE_STRUCTURED
#include "tests/fuzz/fuzz.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In the place of dm_log_fields(), by the linker: a line that a stranger could break is a finding. */
void __wrap_dm_log_fields(DmLogLevel level, const char *event, const DmLogField *fields);

void __wrap_dm_log_fields(DmLogLevel level, const char *event, const DmLogField *fields)
{
    g_autofree char *line = dm_log_format(event, fields);

    (void)level;
    FUZZ_CHECK(strpbrk(line, "\r\n") == NULL);
    FUZZ_CHECK(g_utf8_validate(line, -1, NULL));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_ERROR);
    fuzz_start();
    return 0;
}

void fuzz_check(gboolean good, const char *condition, const char *file, int line)
{
    if (good)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

int fuzz_file(const void *bytes, gsize length)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, bytes, length) == (gssize)length);
    FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

char *fuzz_path(int fd)
{
    return g_strdup_printf("/proc/self/fd/%d", fd);
}

gsize fuzz_header_length(const char *bytes, gsize length)
{
    gsize line = 0;

    while (line < length) {
        const char *end = memchr(bytes + line, '\n', length - line);
        gsize size = end != NULL ? (gsize)(end - bytes) - line : length - line;
        if (size == 0 || (size == 1 && bytes[line] == '\r'))
            return line;
        line += size + (end != NULL ? 1 : 0);
    }
    return length;
}
