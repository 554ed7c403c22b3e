/*
 * XML signatures of the sandbox: enveloped, one Reference to the whole document, SHA-256 and RSA, the certificate in
 * KeyInfo (PVD IO 3.5.1, ID IO 2.6).
 */
#ifndef DEMAIL_SANDBOX_XML_SIGN_H
#define DEMAIL_SANDBOX_XML_SIGN_H

#include "common/error.h"

#include <glib.h>
#include <libxml/tree.h>

typedef enum { DM_CANONICAL_EXCLUSIVE, DM_CANONICAL_INCLUSIVE } DmCanonical;

typedef struct {
    const char *key;         /* RSA, PEM */
    const char *certificate; /* of that key, PEM */
    DmCanonical canonical;
} DmXmlSigner;

/* Adds the Signature to `document`, as the last child of its root or, if `after` is not NULL, behind that child.
 * DM_ERROR_OS if the library refuses. dm_xml_start() must have been called. Any thread. */
gboolean dm_xml_sign(xmlDocPtr document, xmlNodePtr after, const DmXmlSigner *signer, GError **error);

#endif
