/*
 * What the gateway changes in the header of a De-Mail that it hands to the MTA: X-Demail-* that came with it are
 * forged and go, our own come in, the subject gets its prefix. All else stays byte for byte.
 */
#ifndef DEMAIL_POLLER_INCOMING_HEADER_H
#define DEMAIL_POLLER_INCOMING_HEADER_H

#include "common/header.h"

/* `subject_prefix` may be empty; a subject that begins with it already is left alone. `redelivered`: the MTA may have
 * this message already. */
void dm_incoming_mark(DmHeaders *headers, const char *subject_prefix, gboolean redelivered);

#endif
