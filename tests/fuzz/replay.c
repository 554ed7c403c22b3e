/*
 * Runs a fuzz target without a fuzzer. usage: seeds_TARGET FILE|FOLDER...
 *
 * Each file goes through the target as it is, cut off at every 1/16 of its length, with single bytes changed at
 * 64 places, and with its two halves exchanged.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#define CUTS    16
#define CHANGES 64

static void run(const guint8 *bytes, gsize length)
{
    /* A copy of exactly this size: the sanitizer sees a read beyond it. */
    g_autofree guint8 *copy = g_malloc(MAX(length, 1));

    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
}

static void run_changed(const guint8 *bytes, gsize length)
{
    static const guint8 others[] = {0x00, '\n', '\r', 0xff, '"', '<', ':', '='};
    g_autofree guint8 *copy = g_memdup2(bytes, length);

    for (gsize i = 0; i < CHANGES && length > 0; i++) {
        gsize at = (i * 2654435761U) % length;
        copy[at] = others[i % G_N_ELEMENTS(others)];
        run(copy, length);
        copy[at] = bytes[at];
    }
    memcpy(copy, bytes + length / 2, length - length / 2);
    memcpy(copy + (length - length / 2), bytes, length / 2);
    run(copy, length);
}

static guint run_file(const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length = 0;

    if (!g_file_get_contents(path, &text, &length, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 0;
    }
    printf("%s\n", path);
    fflush(stdout);
    run((const guint8 *)text, length);
    for (gsize i = 0; i < CUTS; i++)
        run((const guint8 *)text, length * i / CUTS);
    if (length > 0)
        run_changed((const guint8 *)text, length);
    return 1;
}

static guint run_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    guint files = 0;

    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        files += run_file(file);
    }
    return files;
}

int main(int argc, char **argv)
{
    guint files = 0;

    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        files += g_file_test(argv[i], G_FILE_TEST_IS_DIR) ? run_folder(argv[i]) : run_file(argv[i]);
    printf("%u files\n", files);
    return files > 0 ? 0 : 1;
}
