/*
 * The XML document of a confirmation, Acknowledge-Message of PVD IO 3.5.3, without its Signature.
 */
#ifndef DEMAIL_SANDBOX_CONFIRMATION_XML_H
#define DEMAIL_SANDBOX_CONFIRMATION_XML_H

#include "common/header.h"

/* `original`: the header that is confirmed; `subject` and `text` in UTF-8. Free with g_free(). */
char *dm_confirmation_xml(const DmHeaders *original, const char *sender, const char *subject, const char *text);

#endif
