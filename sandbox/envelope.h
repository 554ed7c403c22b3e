/*
 * The envelope of a submission: who sends to whom, as the part `envelope` says.
 */
#ifndef DEMAIL_SANDBOX_ENVELOPE_H
#define DEMAIL_SANDBOX_ENVELOPE_H

#include "common/error.h"

#include <glib.h>

#define DM_ENVELOPE_MAX            ((gsize)2 * 1024 * 1024) /* bytes of JSON */
#define DM_ENVELOPE_RECIPIENTS_MAX 10000

typedef struct {
    char *sender;
    char **recipients; /* without duplicates; at least one */
    char *private_id;  /* or empty */
} DmEnvelope;

/* DM_ERROR_PERMANENT says what is wrong. */
DmEnvelope *dm_envelope_parse(const char *json, gsize length, GError **error);

/* Copies its arguments. */
DmEnvelope *dm_envelope_new(const char *sender, char *const *recipients, const char *private_id);

void dm_envelope_free(DmEnvelope *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmEnvelope, dm_envelope_free)

#endif
