/*
 * The values of the table senders: "private,receipt  unit=Amt 32", "all", "none" or "no".
 */
#ifndef DEMAIL_COMMON_PERMISSION_H
#define DEMAIL_COMMON_PERMISSION_H

#include <glib.h>

typedef struct {
    gboolean permitted; /* FALSE: the value is "no" */
    guint options;      /* set of DmOption that may be used */
    char *unit;         /* organisational unit, or NULL */
} DmPermission;

/* FALSE (and a cleared `permission`) if the value can't be read. Clear with dm_permission_clear(). */
gboolean dm_permission_parse(const char *value, DmPermission *permission);
void dm_permission_clear(DmPermission *permission);

#endif
