/*
 * The filter as libmilter sees it: thin callbacks around a DmSession.
 *
 * One decision, at end of message. MAIL, RCPT and header lines are streamed to us without an answer, HELO, DATA, body
 * and unknown commands are not sent at all: an ordinary message costs one round trip.
 */
#ifndef DEMAIL_MILTER_CALLBACKS_H
#define DEMAIL_MILTER_CALLBACKS_H

#include <libmilter/mfapi.h>

/* The description for smfi_register(). */
extern struct smfiDesc dm_milter_description;

#endif
