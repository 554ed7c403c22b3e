/*
 * The journal of the configured gateway, beside the running poller.
 */
#ifndef DEMAIL_CTL_JOURNAL_OPEN_H
#define DEMAIL_CTL_JOURNAL_OPEN_H

#include "common/config.h"
#include "common/journal.h"
#include "ctl/command.h"

/* Owned by the caller. */
typedef struct {
    DmConfig *config;
    DmJournal *journal;
} DmCtlJournal;

/* FALSE after a complaint; *exit_code is then why. Close in any case. */
gboolean dm_ctl_journal_open(const DmCtl *ctl, DmJournalMode mode, DmCtlJournal *opened, int *exit_code);

/* Complains, and no more, of a tenant (may be NULL) that is not in the configuration: it may have been once. */
void dm_ctl_journal_warn_of_tenant(const DmCtlJournal *opened, const char *tenant);

void dm_ctl_journal_close(DmCtlJournal *opened);

#endif
