/*
 * The XML of a notification (PVD IO 3.5.2), against the header of its message and, if given, the original.
 */
#ifndef DEMAIL_STANDARD_NOTIFICATION_H
#define DEMAIL_STANDARD_NOTIFICATION_H

#include "standard/statement_case.h"

/* The root is a Notification-Message, which has no signature of its own. Adds confirmation.* reasons; sets
 * findings->statement where the XML is valid by the schema. */
void dm_notification_judge(const DmStatementCase *statement);

#endif
