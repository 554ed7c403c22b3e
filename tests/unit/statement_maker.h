/*
 * For tests of confirmations, notifications and identifications: messages of parts, and their findingss.
 */
#ifndef DEMAIL_TESTS_STATEMENT_MAKER_H
#define DEMAIL_TESTS_STATEMENT_MAKER_H

#include "common/header.h"
#include "standard/trust.h"
#include "tests/unit/xml_signer.h"

#define TS_NOW ((gint64)1772452800) /* 2026-03-02T12:00:00Z */

/* The signer's certificate as the only anchor; writes into `folder`. dm_trust_free(). */
DmTrust *ts_trust(const char *folder, const TsSigner *signer);

/* `text` with every `from`, of which there is one at least, become `to`. g_free(). */
char *ts_replace(const char *text, const char *from, const char *to);

/* A part in base64 with its header. g_free(). */
char *ts_part(const char *type, const char *bytes);

/* The message of `header` (with the empty line that ends it) and these parts; the list ends with NULL. The header's
 * multipart/mixed gets another boundary. g_free(). */
char *ts_message(const char *header, const char *const *parts);

/* What dm_statement_judge() says of a message of the class that X-de-mail-message-type names. dm_findings_free(). */
DmFindings *ts_judge(const DmTrust *trust, const char *message, const DmHeaders *original);

/* Reasons and warnings, separated by blanks; NULL: none. What a certificate made by a test must lack does not count. `what`
 * names the case. */
void ts_assert_findings(const DmFindings *findings, const char *reasons, const char *warnings, const char *what);

#endif
