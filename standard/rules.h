/*
 * The rules of PVD IO 3.1 to 3.3 on the header of one message, by class. Each function adds its reasons and warnings;
 * of a field that stands there twice the first counts. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_RULES_H
#define DEMAIL_STANDARD_RULES_H

#include "common/header.h"
#include "standard/findings.h"

#include <glib.h>

/* The class that a type of PVD IO, table 12 belongs to; UNKNOWN for NULL and any other text. */
DmMessageClass dm_rules_class(const char *message_type);

/* Table 1: fields that must or must not be there. header.missing, header.forbidden; a warning header.duplicate. */
void dm_rules_judge_presence(const DmHeaders *headers, DmMessageClass message_class, DmFindings *findings);

/* What fields may hold: value.*. */
void dm_rules_judge_values(const DmHeaders *headers, DmFindings *findings);

/* Addresses and lists of recipients: address.*, recipient.*. */
void dm_rules_judge_addresses(const DmHeaders *headers, DmFindings *findings);

/* Forwarding (PVD IO 3.2): forward.*. */
void dm_rules_judge_forwarding(const DmHeaders *headers, DmFindings *findings);

/* Who may send what, what must be signed, what needs which level: sender.*, policy.*, confirmation.private,
 * ident.private. Uses the form and the type in the findings. */
void dm_rules_judge_policy(const DmHeaders *headers, DmFindings *findings);

/* Whether a notification that has these reasons must be delivered all the same: they are of syntax only, and
 * the fields of PVD FU step 41 are good. */
gboolean dm_rules_deliverable(const DmHeaders *headers, const DmFindings *findings);

/* The value of the field that counts, on one line; NULL if there is none. g_free(). */
char *dm_rules_text(const DmHeaders *headers, const char *name);

/* The steps of these that dm_rules_deliverable() repeats, one field each; absent ones are fine. */
void dm_rules_judge_sender_address(const DmHeaders *headers, DmFindings *findings);
void dm_rules_judge_recipients(const DmHeaders *headers, const char *name, DmFindings *findings);
void dm_rules_judge_provider(const DmHeaders *headers, DmFindings *findings);

#endif
