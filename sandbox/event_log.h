/*
 * The sandbox's memory on the disk: one JSON object per line, appended and synced, replayed at start.
 *
 * A last line without its line end is the trace of a crash: nobody was told of that event, so it is cut off with a
 * warning. Not thread-safe; the owner holds a lock.
 */
#ifndef DEMAIL_SANDBOX_EVENT_LOG_H
#define DEMAIL_SANDBOX_EVENT_LOG_H

#include "common/error.h"
#include "sandbox/json.h"

#include <glib.h>

typedef struct DmEventLog DmEventLog;

/* Takes one event; FALSE if it makes no sense. */
typedef gboolean (*DmEventFunc)(const json_t *event, gpointer data);

/* Opens or makes the file, and hands every event in it to `replay`. DM_ERROR_UNAVAILABLE if another process has it,
 * DM_ERROR_CONFIG names the line that is wrong. */
DmEventLog *dm_event_log_open(const char *file, DmEventFunc replay, gpointer data, GError **error);
void dm_event_log_close(DmEventLog *log);

/* The event is on the disk when this returns TRUE; otherwise nothing of it will be replayed. */
gboolean dm_event_log_append(DmEventLog *log, const json_t *event, GError **error);

#endif
