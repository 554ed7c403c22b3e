/*
 * The XML of an identification: a SAML assertion with the card of a De-Mail address (ID IO 2.5 to 2.7).
 */
#ifndef DEMAIL_SANDBOX_IDENTIFICATION_XML_H
#define DEMAIL_SANDBOX_IDENTIFICATION_XML_H

#include "sandbox/xml_sign.h"

typedef struct {
    const char *id;       /* an NCName, unique */
    const char *issuer;   /* system address */
    const char *subject;  /* whose identity it is: De-Mail address */
    const char *audience; /* for whom: De-Mail address */
} DmIdentificationXml;

/* The signed document, of now. DM_ERROR_OS if the library refuses. Free with g_free(). */
char *dm_identification_xml(const DmIdentificationXml *content, const DmXmlSigner *signer, GError **error);

#endif
