/*
 * XML that comes from outside: read without network, entities or document type, and its signature judged so that what
 * is signed is what is read.
 */
#ifndef DEMAIL_STANDARD_XML_H
#define DEMAIL_STANDARD_XML_H

#include "common/error.h"

#include <glib.h>
#include <libxml/tree.h>
#include <openssl/x509.h>

/* Once per process, before any other thread is started; _stop() at the end. DM_ERROR_OS if a library can't start. */
gboolean dm_xml_start(GError **error);
void dm_xml_stop(void);

/* NULL with DM_ERROR_PERMANENT for what is not well-formed or has a document type declaration. */
xmlDocPtr dm_xml_parse(const char *bytes, gsize length, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

typedef enum {
    DM_XML_FORM_PLAIN,    /* the Reference to the whole document is the only one, and there is no Object */
    DM_XML_FORM_OR_XADES, /* that, or XAdES-BES as lists of trust services have it (ETSI TS 102 231 annex B) */
} DmXmlForm;

typedef enum {
    DM_XML_SIGNATURE_GOOD,
    DM_XML_SIGNATURE_MISSING,
    DM_XML_SIGNATURE_SCOPE, /* not exactly one enveloped signature over the whole document, a direct child of root, of
                               a form that is taken */
    DM_XML_SIGNATURE_ALGORITHM,   /* a digest below SHA-256, an unknown algorithm or transform */
    DM_XML_SIGNATURE_CERTIFICATE, /* no readable certificate where one is needed */
    DM_XML_SIGNATURE_BAD,         /* the mathematics: digest or signature value */
} DmXmlSignature;

/* Judges the signature of the whole document with `key`, the only key that counts; with NULL, with the first X.509
 * certificate of its KeyInfo. *certificate (may be NULL) gets the certificate of KeyInfo, if readable: X509_free(). The
 * caller judges whether that is to be trusted. The Reference is to "" or, in a SAML assertion, to the ID of its root
 * (SAML core 5.4.2).
 *
 * XAdES-BES is one Object with QualifyingProperties that hold SignedProperties and nothing else, and a second
 * Reference, of their Type, to these SignedProperties, at most canonicalised; their Id and the signature's, which is
 * the Target, are on no other element. What they say is signed, and not judged: SigningCertificate guards against
 * another certificate of the same key, but here the caller says which key or issuer counts; SigningTime is what the
 * signer claims, while a certificate's validity is judged at the reader's time, and how new a list is by what it says
 * itself. */
DmXmlSignature dm_xml_signature_judge(xmlDocPtr document, DmXmlForm form, EVP_PKEY *key, X509 **certificate);

/* The first child element `name` of `parent` in the parent's namespace, or NULL. */
xmlNodePtr dm_xml_child(const xmlNode *parent, const char *name);

/* The text of the first child element `name` of `parent` in the parent's namespace; NULL if there is none. g_free(). */
char *dm_xml_child_text(const xmlNode *parent, const char *name);

#endif
