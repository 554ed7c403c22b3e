/*
 * Reads an export from the disk once more: whether each message of the manifest is there, octet for octet.
 */
#ifndef DEMAIL_CTL_EXPORT_CHECK_H
#define DEMAIL_CTL_EXPORT_CHECK_H

#include "ctl/export_manifest.h"

typedef struct {
    guint good;
    guint damaged;
    gboolean unfinished; /* an mbox or the manifest goes on behind what the manifest knows */
} DmExportChecked;

/* Called after each message with its size; FALSE ends the check. */
typedef gboolean (*DmExportCheckFunc)(gint64 size, gpointer data);

/* `dir` is the export's folder. What is damaged or unfinished is complained of, and the check goes on. FALSE if the manifest can't be
 * read, or `func` has ended it, and then without an error. */
gboolean dm_export_check(int dir, DmManifest *manifest, DmExportCheckFunc func, gpointer data, DmExportChecked *checked,
                         GError **error);

#endif
