/*
 * RSASSA-PSS in XML signatures (RFC 6931 2.3.10: hash and MGF1 hash the same), which xmlsec1 1.2 does not know: methods
 * for verification, as transforms of xmlsec.
 */
#ifndef DEMAIL_STANDARD_XML_PSS_H
#define DEMAIL_STANDARD_XML_PSS_H

#include <glib.h>
#include <openssl/evp.h>

#define DM_XML_PSS_SHA256 "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
#define DM_XML_PSS_SHA384 "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
#define DM_XML_PSS_SHA512 "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"

/* Tells xmlsec of them; called once by dm_xml_start(). FALSE if it has no memory. */
gboolean dm_xml_pss_register(void);

#endif
