/*
 * The XML document of a confirmation, Acknowledge-Message of PVD IO 3.5.3.
 */
#ifndef DEMAIL_SANDBOX_CONFIRMATION_XML_H
#define DEMAIL_SANDBOX_CONFIRMATION_XML_H

#include "common/header.h"
#include "sandbox/xml_sign.h"

typedef struct {
    const DmHeaders *original; /* of the letter that is confirmed */
    const char *sender;        /* who confirms: a system address */
    const char *subject;       /* UTF-8 */
    const char *text;          /* UTF-8 */
    gint64 delivered;          /* DeliveryTime, seconds since 1970; 0: none */
} DmConfirmationXml;

/* The signed document. DM_ERROR_OS if the library refuses. Free with g_free(). */
char *dm_confirmation_xml(const DmConfirmationXml *content, const DmXmlSigner *signer, GError **error);

/* Its metadata as text, "name: value" per line. Free with g_free(). */
char *dm_confirmation_metadata_text(const DmHeaders *original);

#endif
