/*
 * A draft from the few words of POST /sandbox/send: the mail client of a citizen.
 */
#ifndef DEMAIL_SANDBOX_COMPOSE_H
#define DEMAIL_SANDBOX_COMPOSE_H

#include "sandbox/envelope.h"
#include "sandbox/json.h"

/* Reads {"from","to":[…],"cc":[…],"bcc":[…],"subject","text","options":{word: bool},"private_id"}, or with "message"
 * (a whole draft in base64) instead of subject, text and options. Returns the envelope and the draft;
 * DM_ERROR_PERMANENT says what is wrong. */
DmEnvelope *dm_compose(const json_t *order, GString **draft, GError **error);

#endif
