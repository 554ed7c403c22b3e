/*
 * Verification of a De-Mail as received, against the standard (PVD IO 3.1 to 3.5, PVD FU step 48).
 */
#ifndef DEMAIL_STANDARD_VERIFY_H
#define DEMAIL_STANDARD_VERIFY_H

#include "common/error.h"
#include "common/header.h"
#include "standard/findings.h"
#include "standard/trust.h"

#include <glib.h>

/* Judges the whole file `fd` (its position is neither used nor moved), as certificates are at the time `at` (seconds
 * since 1970). Streams: memory does not grow with a normal message. `original` (may be NULL) is the header of the
 * message that a confirmation must be about. NULL only where the file can't be read (DM_ERROR_OS); whatever is wrong
 * with the message stands in the findings. Any thread. */
DmFindings *dm_verify(const DmTrust *trust, int fd, gint64 at, const DmHeaders *original, GError **error);

#endif
