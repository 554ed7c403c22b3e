/*
 * A verdict as actions of libmilter.
 */
#ifndef DEMAIL_MILTER_ACTIONS_H
#define DEMAIL_MILTER_ACTIONS_H

#include "common/refusal.h"
#include "milter/session.h"

#include <libmilter/mfapi.h>

/* Carries out the verdict of a session that is decided, counts and logs it. At the end of the message, or, if it is to
 * stay untouched, before. Anything but a clean success of every action is a tempfail. */
sfsistat dm_actions_apply(SMFICTX *context, const DmSession *session, const char *queue_id);

/* Answers with a refusal text (may hold "%"). */
sfsistat dm_actions_refuse(SMFICTX *context, DmRefusal refusal, const char *text);

#endif
