/*
 * The properties that an XAdES-BES signature signs beside its document (ETSI TS 101 903 6.2, 7.2): where they are, in
 * the one form of it that is taken. For dm_xml_signature_judge().
 */
#ifndef DEMAIL_STANDARD_XML_XADES_H
#define DEMAIL_STANDARD_XML_XADES_H

#include <glib.h>
#include <libxml/tree.h>

/* The SignedProperties of the ds:Signature, whose Id is then the only one of that value that its document knows; NULL
 * if the form is another than: one Object, in it nothing but QualifyingProperties, whose Target is the signature's Id,
 * in that nothing but SignedProperties, and both Ids on no other element. */
xmlNodePtr dm_xml_xades_properties(xmlNodePtr signature);

/* Whether the ds:Reference is by Type and URI the one to these SignedProperties. */
gboolean dm_xml_xades_refers(xmlNodePtr reference, xmlNodePtr properties);

#endif
