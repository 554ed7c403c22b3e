/*
 * A verdict as actions of libmilter; to be called from the end-of-message callback only.
 */
#ifndef DEMAIL_MILTER_ACTIONS_H
#define DEMAIL_MILTER_ACTIONS_H

#include "common/policy.h"
#include "milter/session.h"

#include <libmilter/mfapi.h>

/* Carries out the verdict and logs it. Anything but a clean success of every action is a tempfail. */
sfsistat dm_actions_apply(SMFICTX *context, const DmSession *session, const DmVerdict *verdict, const char *gateway_id,
                          const char *queue_id);

/* Answers with a refusal text (may hold "%"). */
sfsistat dm_actions_refuse(SMFICTX *context, DmRefusal refusal, const char *text);

#endif
