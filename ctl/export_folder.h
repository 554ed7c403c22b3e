/*
 * The folder that an export fills: an mbox file for each folder of the account, or a folder with a file for each
 * message, and the manifest.
 *
 * What is put in counts once it is committed, by data first and the manifest's lines after them; at any other instant
 * the next start finds what was committed before. One thread, but for the files of fetches.
 */
#ifndef DEMAIL_CTL_EXPORT_FOLDER_H
#define DEMAIL_CTL_EXPORT_FOLDER_H

#include "ctl/export_fetch.h"
#include "ctl/export_manifest.h"

typedef struct DmExportFolder DmExportFolder;

/* Opens the export in the folder `dir`, which is taken over, or begins one there. What was not committed is cut off;
 * `*cut` gets how many bytes that were. `folders` (ended by NULL) and the strings in `head` are lent for its lifetime.
 * Errors as dm_manifest_open(); DM_ERROR_PERMANENT if an mbox is shorter than the manifest says. */
DmExportFolder *dm_export_folder_open(int dir, const DmManifestHead *head, char *const *folders, gboolean *made,
                                      gint64 *cut, GError **error);
/* Nothing is committed by it. The files of fetches are removed. */
void dm_export_folder_close(DmExportFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmExportFolder, dm_export_folder_close)

int dm_export_folder_dir(const DmExportFolder *folder);
DmManifest *dm_export_folder_manifest(const DmExportFolder *folder);

/* Puts in what was fetched, and commits if there is much that is not, or it has waited long. DM_ERROR_OS. */
gboolean dm_export_folder_put(DmExportFolder *folder, const DmFetch *fetch, GError **error);

/* Once it has failed, nothing is committed any more. */
gboolean dm_export_folder_commit(DmExportFolder *folder, GError **error);

#endif
