/*
 * What the fuzz targets share. A target is one file with fuzz_start() and LLVMFuzzerTestOneInput(); it is linked with
 * libFuzzer, or with replay.c, which needs no fuzzer. It stops at a broken property as a sanitizer does: by abort().
 */
#ifndef DEMAIL_TESTS_FUZZ_H
#define DEMAIL_TESTS_FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* The target's: what is made once, before the first input. */
void fuzz_start(void);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called once by libFuzzer and by replay.c: our logs and GLib's complaints are findings, then fuzz_start(). */
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(condition) fuzz_check((condition) ? TRUE : FALSE, #condition, __FILE__, __LINE__)
void fuzz_check(gboolean good, const char *condition, const char *file, int line);

/* A file without a name that holds these bytes. The caller closes it. */
int fuzz_file(const void *bytes, gsize length);

/* A path to that file, as long as it is open. Free with g_free(). */
char *fuzz_path(int fd);

/* The header at the beginning of `bytes` ends: its length, without the empty line, with or without CR. */
gsize fuzz_header_length(const char *bytes, gsize length);

#endif
