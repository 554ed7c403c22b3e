/*
 * Which messages lie where: per account, folder and state, ordered by sequence number. What has been retrieved leaves
 * the index of new messages, so that listing those costs the same however many were retrieved before.
 *
 * Owns the messages. Not thread-safe; the store holds its lock.
 */
#ifndef DEMAIL_SANDBOX_FOLDERS_H
#define DEMAIL_SANDBOX_FOLDERS_H

#include "sandbox/message.h"

#include <glib.h>

typedef struct DmFolders DmFolders;

DmFolders *dm_folders_new(void);
void dm_folders_free(DmFolders *folders);

/* Takes the message over. Its `seq` must be larger than those before it. */
void dm_folders_add(DmFolders *folders, DmMessage *message);

/* NULL if there is no such message. */
DmMessage *dm_folders_find(const DmFolders *folders, const char *id);

void dm_folders_set_retrieved(DmFolders *folders, DmMessage *message);

/* Messages of the account (DmMessage *, borrowed) that await a login, oldest first. Free with g_ptr_array_unref(). */
GPtrArray *dm_folders_awaiting(const DmFolders *folders, const char *account);

/* The login has come. */
void dm_folders_set_confirmed(DmFolders *folders, const DmMessage *message);

/* Up to `limit` messages (DmMessage *, borrowed) with a sequence number above `after`, oldest first. `*more`: whether
 * there are others behind them. Free with g_ptr_array_unref(). */
GPtrArray *dm_folders_list(const DmFolders *folders, const char *account, DmFolder folder, gboolean only_new,
                           gint64 after, guint limit, gboolean *more);

/* Bytes of all messages of the account. */
gint64 dm_folders_used(const DmFolders *folders, const char *account);

/* Whether any message uses this data file. */
gboolean dm_folders_uses_file(const DmFolders *folders, const char *file);

#endif
