/*
 * What one transaction puts into mailboxes: bodies and header blocks in one data file, messages that appear together.
 * Belongs to one thread.
 */
#ifndef DEMAIL_SANDBOX_POST_H
#define DEMAIL_SANDBOX_POST_H

#include "sandbox/letter.h"
#include "sandbox/sandbox.h"

#include <glib.h>

typedef struct DmPost DmPost;

DmPost *dm_post_open(DmSandbox *sandbox, GError **error);

/* What was not committed is gone. */
void dm_post_close(DmPost *post);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPost, dm_post_close)

DmSandbox *dm_post_sandbox(const DmPost *post);

/* Keeps a body; *slice tells where (free slice->file). */
gboolean dm_post_keep(DmPost *post, const GByteArray *body, DmSlice *slice, GError **error);

/* Puts the letter into the inbox of the address's account (which must exist), with Envelope-to (PVD IO 3.1.22).
 * `recipient`: whom the sender addressed. */
gboolean dm_post_deliver(DmPost *post, const DmLetter *letter, const char *address, const char *recipient,
                         GError **error);

/* Puts it as it is into the folder `sent` of the account; `id` NULL: a new one. `recipients`: of char *. */
gboolean dm_post_keep_sent(DmPost *post, const DmLetter *letter, const DmAccount *account, const char *id,
                           const GPtrArray *recipients, GError **error);

/* Makes everything durable and visible, with the rest of `commit` (whose messages are set here). */
gboolean dm_post_commit(DmPost *post, DmCommit *commit, GError **error);

#endif
