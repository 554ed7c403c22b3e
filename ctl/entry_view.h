/*
 * An entry of the journal, sent or received, with all that belongs to it, and its form for programs.
 */
#ifndef DEMAIL_CTL_ENTRY_VIEW_H
#define DEMAIL_CTL_ENTRY_VIEW_H

#include "common/journal.h"

#include <glib.h>
#include <jansson.h>

typedef struct {
    char *gateway_id;       /* of a sent one; empty: a received one */
    char *tenant;           /* of both; may be empty */
    char *provider_id;      /* of a received one */
    DmSentMessage *message; /* of a sent one; NULL where an older version wrote it */
    GPtrArray *recipients;  /* of a sent one, of DmSentRecipient * */
    DmReceived received;    /* of a received one */
} DmEntryView;

/* Clear in any case. *found: whether the journal still has it. */
gboolean dm_entry_view_load(DmJournal *journal, const DmJournalEntry *entry, DmEntryView *view, gboolean *found,
                            GError **error);
void dm_entry_view_clear(DmEntryView *view);

gboolean dm_entry_view_is_sent(const DmEntryView *view);

/* When it was first submitted, or first fetched (where an older version wrote it: when it last changed). */
gint64 dm_entry_view_time(const DmEntryView *view);

/* All words for states, NULL-terminated. */
const char *const *dm_entry_view_states(void);

json_t *dm_entry_view_json(const DmEntryView *view);

/* One thing that is known of a recipient; lent by it. */
typedef struct {
    gint64 time;
    const char *event;  /* the provider's answer, or what a confirmation or notification says */
    const char *id;     /* the provider's, of De-Mail or confirmation; or the code of a refusal or deferral */
    const char *detail; /* may be empty */
} DmEntryStep;

/* The history of a recipient (DmEntryStep), oldest first. */
GArray *dm_entry_view_steps(const DmSentRecipient *recipient);

#endif
