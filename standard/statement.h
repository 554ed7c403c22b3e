/*
 * The body of confirmations, notifications and identification messages (PVD IO 3.4.1, 3.5; ID IO 2.6): MIME structure,
 * XML by the schema of PVD IO 3.5.3, its signature, and agreement with the header and, if given, the original.
 */
#ifndef DEMAIL_STANDARD_STATEMENT_H
#define DEMAIL_STANDARD_STATEMENT_H

#include "common/header.h"
#include "standard/findings.h"
#include "standard/trust.h"

/* Larger messages of these classes are not read but fail. Bytes. */
#define DM_STATEMENT_MAX (16 * 1024 * 1024)

/* Judges a whole message of the class in findings->message_class (not NORMAL or UNKNOWN): adds reasons and warnings,
 * confirmation.* in confirmations and notifications, ident.* in identifications, in both certificate.* of the XML
 * signature's certificate; and sets findings->statement where the XML can be read, valid or not. After dm_xml_start()
 * and g_mime_init(). `headers` is the header of `message`, whose lines end with CRLF. */
void dm_statement_judge(const DmHeaders *headers, const char *message, gsize length, const DmTrust *trust, gint64 at,
                        const DmHeaders *original, DmFindings *findings);

#endif
