/*
 * Idempotency: what became of each recipient under a key, and which keys are being worked on right now.
 *
 * Identity is (account, key, recipient). Accepted and refused are final and are never overwritten. Not thread-safe; the
 * store holds its lock.
 */
#ifndef DEMAIL_SANDBOX_KEYS_H
#define DEMAIL_SANDBOX_KEYS_H

#include "sandbox/json.h"

#include <glib.h>

typedef enum { DM_STATUS_ACCEPTED, DM_STATUS_REFUSED, DM_STATUS_DEFERRED } DmStatus;

typedef struct {
    char *address; /* as the client wrote it */
    DmStatus status;
    char *code; /* empty when accepted */
    char *detail;
} DmRecipientResult;

DmRecipientResult *dm_recipient_result_new(const char *address, DmStatus status, const char *code, const char *detail);
void dm_recipient_result_free(gpointer result);

/* The result as the API and the event log show it, and back (NULL if it makes no sense). */
json_t *dm_recipient_result_to_json(const DmRecipientResult *result);
DmRecipientResult *dm_recipient_result_from_json(const json_t *json);

typedef struct DmKeys DmKeys;

DmKeys *dm_keys_new(void);
void dm_keys_free(DmKeys *keys);

/* Begins work on a key; FALSE if there is work on it already. */
gboolean dm_keys_claim(DmKeys *keys, const char *account, const char *key);

/* Names the recipients that are being worked on. */
void dm_keys_set_running(DmKeys *keys, const char *account, const char *key, char *const *recipients);

/* Ends it. A key without any result is forgotten. */
void dm_keys_release(DmKeys *keys, const char *account, const char *key);

/* Records results (DmRecipientResult *, copied); `id` and `message_id` only count for the first record of a key. */
void dm_keys_record(DmKeys *keys, const char *account, const char *key, const char *id, const char *message_id,
                    const GPtrArray *results);

/* A copy of the final result of this recipient, or NULL. */
DmRecipientResult *dm_keys_final(const DmKeys *keys, const char *account, const char *key, const char *recipient);

/* The key's ids, or NULL if it has none yet. Free both with g_free(). */
void dm_keys_ids(const DmKeys *keys, const char *account, const char *key, char **id, char **message_id);

/* {"id","message_id","recipients"} with everything known of the key; NULL if it is unknown. */
json_t *dm_keys_status(const DmKeys *keys, const char *account, const char *key);

#endif
