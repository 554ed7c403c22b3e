/*
 * What De-Mail demands of an address beyond RFC 2822 (ACM FU 2.1), and the providers' own addresses (PVD FU 4.3).
 * Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_DEMAIL_ADDRESS_H
#define DEMAIL_STANDARD_DEMAIL_ADDRESS_H

#include "standard/findings.h"

#include <glib.h>

/* The local parts of system addresses (PVD FU 4.3, ID FU 3.6). */
#define DM_SYSTEM_DISPATCH                    "Versandbestaetigung"
#define DM_SYSTEM_RECEIPT                     "Eingangsbestaetigung"
#define DM_SYSTEM_RETRIEVE                    "Abholbestaetigung"
#define DM_SYSTEM_MALWARE                     "Schadsoftware-Warnung"
#define DM_SYSTEM_NOTIFICATION                "Meldung"
#define DM_SYSTEM_IDENTIFICATION              "Ident-Bestaetigung"
#define DM_SYSTEM_IDENTIFICATION_NOTIFICATION "Ident-Meldung"

/* Judges local@domain: lengths, form of the domain and of pseudonyms (address.length, address.domain,
 * address.pseudonym); a warning about capitals, but not in a system address (address.capitals). */
void dm_demail_address_judge(const char *address, DmFindings *findings);

/* Whether the address is a pseudonym, pn_… */
gboolean dm_demail_address_is_pseudonym(const char *address);

/* A domain of at least two labels of letters, digits, "-" and "_" (which the examples of ACM FU 2.1.2.1 have), no
 * number. */
gboolean dm_demail_domain_is_valid(const char *domain);

#endif
