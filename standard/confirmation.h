/*
 * The XML of a confirmation (PVD IO 3.5.1), against the header of its message and, if given, the original.
 */
#ifndef DEMAIL_STANDARD_CONFIRMATION_H
#define DEMAIL_STANDARD_CONFIRMATION_H

#include "standard/statement_case.h"

/* The root is an Acknowledge-Message. Adds confirmation.* and certificate.* reasons; sets findings->statement where the
 * XML is valid by the schema. */
void dm_confirmation_judge(const DmStatementCase *statement);

#endif
