/*
 * ThreadSanitizer's defaults for every program of the build; TSAN_OPTIONS is heard after them.
 */
#include <sanitizer/tsan_interface.h>

const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

/* Reads and writes within libraries are not judged: they are not instrumented, so neither are the locks, atomics and
 * pools that guard them. Their threads and pthread locks count, and what our own code does at all times. */
const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1:exitcode=99:second_deadlock_stack=1";
}

const char *__tsan_default_suppressions(void)
{
    /* libmilter never joins the thread in which it waits for signals. */
    return "thread:mi_control_startup\n";
}
