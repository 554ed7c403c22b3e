/*
 * The XML of an identification: a SAML assertion in the narrow form of ID IO 2.6. The card in it is not judged.
 */
#ifndef DEMAIL_STANDARD_IDENTIFICATION_H
#define DEMAIL_STANDARD_IDENTIFICATION_H

#include "standard/statement_case.h"

/* Whether the root is an assertion. */
gboolean dm_identification_is_assertion(xmlNodePtr root);

/* Adds ident.* and certificate.* reasons; sets findings->statement. */
void dm_identification_judge(const DmStatementCase *statement);

#endif
