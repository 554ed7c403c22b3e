#include "sandbox/denial.h"

#define CONTROLS "\r\n\t"

/* What a client wrote may be quoted in the sentence; it stays one line. */
static DmDenial make(const char *code, const char *format, va_list args, gboolean retryable) G_GNUC_PRINTF(2, 0);

static DmDenial make(const char *code, const char *format, va_list args, gboolean retryable)
{
    char *detail = g_strdup_vprintf(format, args);
    return (DmDenial){g_strdup(code), g_strdelimit(detail, CONTROLS, ' '), retryable};
}

gboolean dm_deny(DmDenial *denial, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *denial = make(code, format, args, FALSE);
    va_end(args);
    return FALSE;
}

gboolean dm_defer(DmDenial *denial, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *denial = make(code, format, args, TRUE);
    va_end(args);
    return FALSE;
}

void dm_denial_clear(DmDenial *denial)
{
    g_free(denial->code);
    g_free(denial->detail);
    *denial = (DmDenial){0};
}
