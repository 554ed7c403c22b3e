/*
 * A driver that does what a test tells it: linked before the poller's own drivers, it stands for every name.
 */
#ifndef DEMAIL_TESTS_FAKE_PROVIDER_H
#define DEMAIL_TESTS_FAKE_PROVIDER_H

#include "provider/provider.h"

/* A call fails with this code of DM_ERROR; 0 in its place: it does not fail. */
#define FAKE_ERROR(code) ((int)(code) + 1)

/* What the provider does, and what it was asked for. */
typedef struct {
    int login_error;
    int account_error;
    int ack_error;
    gboolean (*submit)(const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure, GError **error);
    gboolean (*status)(const char *key, DmFate *fate, DmOutcome **outcome, GError **error);
    const char *message;    /* what fetch writes */
    const char *const *ids; /* of the messages in the inbox, NULL-terminated; ID goes to ID@gemeinde.de-mail.de */
    gboolean shrinks;       /* the inbox loses the first at every acknowledgement; else it stays as it is */
    gint lists;             /* calls of list; atomic */
    guint logins;
    guint submissions;
    guint questions; /* calls of status */
    guint fetches;
    guint acks;
    guint open; /* handles */
} FakeProvider;

/* Answers for `status`: it has never seen the key, or can't tell. */
gboolean fake_never_seen(const char *key, DmFate *fate, DmOutcome **outcome, GError **error);
gboolean fake_forgot(const char *key, DmFate *fate, DmOutcome **outcome, GError **error);

/* The one that there is; for one thread at a time, but for `lists`. */
FakeProvider *fake_provider(void);

#endif
