/*
 * What an incoming confirmation or notification is about: which De-Mail of ours it confirms, for which recipients, and
 * what of it goes into the journal. Only one that passed its verification is about anything: a forged receipt must not
 * become evidence.
 *
 * A De-Mail is found by the Message-ID that the statement gives of the original, else by the private id (PVD
 * IO 3.1.17), always within the tenant that received the statement. Its private id must be the statement's in any case:
 * every De-Mail of ours has one, and a Message-ID can be guessed. A private id that a client used several times is told
 * apart by what the notification's text names: the Message-ID, else a recipient (PVD FU step 45). What stays ambiguous
 * is about nothing.
 */
#ifndef DEMAIL_POLLER_ABOUT_H
#define DEMAIL_POLLER_ABOUT_H

#include "common/header.h"
#include "common/journal.h"
#include "poller/judgement.h"

typedef struct {
    DmSentMessage *message; /* the De-Mail of ours; NULL if there is none */
    GPtrArray *recipients;  /* char *: those that the statement speaks of, in lower case; may be empty */
    DmSentEventKind event;  /* what it says of them */
    char *thread;           /* Message-ID of the message that it belongs to, ours or not; NULL if it gives none */
} DmAbout;

/* `tenant`: whose mailbox it came from. Clear with dm_about_clear() in any case. FALSE if the journal can't be read. */
gboolean dm_about_find(DmJournal *journal, const char *tenant, const DmJudgement *judgement, DmAbout *about,
                       GError **error);
void dm_about_clear(DmAbout *about);

/* Writes the event into the journal, if there is one; may be repeated. `id`: the statement's at the provider. */
gboolean dm_about_record(DmJournal *journal, const DmAbout *about, const DmStatement *statement, const char *id,
                         GError **error);

/* Whether the sender is to get a report that these recipients can't have his De-Mail. */
gboolean dm_about_is_failure(const DmAbout *about);

#endif
