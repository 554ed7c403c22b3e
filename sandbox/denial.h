/*
 * Why a recipient, or a whole draft, is not accepted: a code of the API and a sentence.
 */
#ifndef DEMAIL_SANDBOX_DENIAL_H
#define DEMAIL_SANDBOX_DENIAL_H

#include <glib.h>

typedef struct {
    char *code;
    char *detail;
    gboolean retryable; /* deferred, not refused */
} DmDenial;

/* Fills `denial` (which must be empty) and returns FALSE. */
gboolean dm_deny(DmDenial *denial, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);
gboolean dm_defer(DmDenial *denial, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);

void dm_denial_clear(DmDenial *denial);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmDenial, dm_denial_clear)

#endif
