/*
 * The seam between the gateway and a provider (DMDA). A driver knows one kind of interface and nothing of policy,
 * journal or MTA.
 *
 * A DmProvider serves one account at one provider, from any thread; it keeps the session and the connections.
 * `open` makes no connection and fails with DM_ERROR_CONFIG. Errors of all other calls are of the domain DM_ERROR:
 * DM_ERROR_TEMPORARY where `retryable`, DM_ERROR_PERMANENT where the provider refused for good, DM_ERROR_UNAVAILABLE
 * where it could not be reached, refused the login, or a secret for the login can't be read (also temporary for a
 * message: nothing of it has left). Messages carry the provider's own words, one line.
 */
#ifndef DEMAIL_PROVIDER_PROVIDER_H
#define DEMAIL_PROVIDER_PROVIDER_H

#include "common/config.h"
#include "common/error.h"

#include <glib.h>

typedef struct DmProvider DmProvider;

/* Bytes of a draft as they come: fills at most `size` bytes, returns how many, 0 at the end, -1 when the source broke
 * (the submission is then to be given up so that the provider sees an incomplete request). */
typedef gssize (*DmReadFunc)(void *buffer, gsize size, gpointer data);

typedef struct {
    const char *key;         /* idempotency key: the gateway id */
    const char *sender;      /* De-Mail address */
    char *const *recipients; /* NULL-terminated */
    const char *private_id;
    gint64 size; /* bytes that `read` will give; 0: not known before its end */
    DmReadFunc read;
    gpointer data;
} DmSubmission;

typedef enum {
    DM_RESULT_ACCEPTED,
    DM_RESULT_REFUSED,
    DM_RESULT_DEFERRED,
    DM_RESULT_IN_PROGRESS,
    DM_RESULT_UNKNOWN, /* the provider mentions this recipient with a status that says nothing */
} DmResultKind;

/* What a provider answers when asked about a key. */
typedef enum {
    DM_FATE_TOLD,
    DM_FATE_NEVER_SEEN, /* nothing was submitted under it */
    DM_FATE_UNTOLD,     /* it can't tell: it keeps no keys, or not for so long */
} DmFate;

typedef struct {
    char *address;
    DmResultKind kind;
    char *code;   /* empty when accepted */
    char *detail; /* the provider's words, one line; may be empty */
} DmResult;

typedef struct {
    char *id;               /* the provider's id of the message; may be empty */
    GPtrArray *results;     /* of DmResult *; one per recipient that the provider mentioned */
    GHashTable *by_address; /* the same results by dm_address_key(): envelopes have up to 10000 recipients */
} DmOutcome;

typedef struct {
    char *id;
    char *type;       /* X-de-mail-message-type */
    char *private_id; /* or empty */
    char **recipients;
    gint64 size;     /* bytes; 0: not told */
    gint64 received; /* seconds since 1970; 0: not told */
} DmEntry;

typedef struct {
    gint64 message_size_max; /* bytes; 0: not told */
    gint64 recipients_max;   /* 0: not told */
    gint64 quota_used;       /* bytes */
    gint64 quota_total;      /* bytes; 0: not told */
    gint64 password_expires; /* seconds since the epoch; 0: not told, or never */
} DmAccount;

typedef struct {
    const char *name; /* the value of `driver` in the configuration */

    DmProvider *(*open)(const DmProviderConfig *config, const char *account, GError **error);
    void (*close)(DmProvider *provider);

    /* Makes sure that there is a session (logs in if need be). A login that the provider refused is not tried again
     * before the provider is opened anew: it answers the same error at once. */
    gboolean (*login)(DmProvider *provider, GError **error);

    /* Whether the provider has refused the login: until it is opened anew every call fails at once. */
    gboolean (*refused)(DmProvider *provider);

    /* Submits one draft. Where the provider answered, *outcome is set and TRUE returned, whatever the results are.
     * FALSE: nothing is known to be accepted; with `*unsure` TRUE bytes had left and the fate is open. */
    gboolean (*submit)(DmProvider *provider, const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                       GError **error);

    /* What became of a key. *outcome is set only with DM_FATE_TOLD; a recipient that it does not mention was never
     * submitted under the key, one that it mentions as DM_RESULT_UNKNOWN has a fate that the provider can't tell. */
    gboolean (*status)(DmProvider *provider, const char *key, DmFate *fate, DmOutcome **outcome, GError **error);

    /* New messages of the inbox, oldest first, at most `limit`. *entries: array of DmEntry *. */
    gboolean (*list)(DmProvider *provider, guint limit, GPtrArray **entries, GError **error);

    /* One page of the folder "inbox" or "sent", oldest first, whether new or retrieved before; marks nothing. *cursor is
     * NULL for the first page, and then where the next begins: NULL at the end, else free with g_free(). *entries: array
     * of DmEntry *. After an error *cursor is as it was. */
    gboolean (*browse)(DmProvider *provider, const char *folder, char **cursor, GPtrArray **entries, GError **error);

    /* The original bytes of a message into `fd` (from its present position), checked against the provider's digest.
     * DM_ERROR_NOINPUT where the provider says that it has no such message (any more), DM_ERROR_OS where `fd` does not
     * take the bytes. */
    gboolean (*fetch)(DmProvider *provider, const char *id, int fd, GError **error);

    /* Tells the provider that the message has been taken over. May be repeated. */
    gboolean (*ack)(DmProvider *provider, const char *id, GError **error);

    gboolean (*account)(DmProvider *provider, DmAccount *account, GError **error);
} DmProviderDriver;

DmOutcome *dm_outcome_new(void);
void dm_outcome_free(DmOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmOutcome, dm_outcome_free)
void dm_outcome_add(DmOutcome *outcome, const char *address, DmResultKind kind, const char *code, const char *detail);

/* The result for the address (compared as addresses), or NULL. */
const DmResult *dm_outcome_find(const DmOutcome *outcome, const char *address);

void dm_entry_free(DmEntry *entry);

#endif
