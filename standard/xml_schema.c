#include "standard/xml_schema.h"

#include <libxml/xmlschemas.h>
#include <string.h>

/* `time` is xs:dateTime, as a union because libxml2 takes no blanks around a plain one. */
static const char source[] =
    "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='urn:de-mail' targetNamespace='urn:de-mail'"
    "  elementFormDefault='qualified' attributeFormDefault='unqualified'>"
    "<xs:simpleType name='time'><xs:union memberTypes='xs:dateTime'/></xs:simpleType>"
    "<xs:element name='Acknowledge-Message'><xs:complexType><xs:sequence>"
    "  <xs:element name='Sender' type='xs:string'/>"
    "  <xs:element name='Metadata'><xs:complexType><xs:sequence maxOccurs='unbounded'>"
    "    <xs:element name='Metadate'><xs:complexType><xs:sequence>"
    "      <xs:element name='Name' type='xs:string'/>"
    "      <xs:element name='Value' type='xs:string'/>"
    "      <xs:element name='OriginalHeader' type='xs:string'/>"
    "    </xs:sequence></xs:complexType></xs:element>"
    "  </xs:sequence></xs:complexType></xs:element>"
    "  <xs:element name='Subject' type='xs:string'/>"
    "  <xs:element name='Text' type='xs:string'/>"
    "  <xs:element name='Hash' type='xs:string'/>"
    "  <xs:element name='Time' type='time'/>"
    "  <xs:element name='DeliveryTime' type='time' minOccurs='0'/>"
    "  <xs:any namespace='http://www.w3.org/2000/09/xmldsig#' processContents='skip'/>"
    "</xs:sequence></xs:complexType></xs:element>"
    "<xs:element name='Notification-Message'><xs:complexType><xs:sequence>"
    "  <xs:element name='Subject' type='xs:string'/>"
    "  <xs:element name='Text' type='xs:string'/>"
    "  <xs:element name='Time' type='time'/>"
    "  <xs:element name='Sender' type='xs:string'/>"
    "</xs:sequence></xs:complexType></xs:element>"
    "</xs:schema>";

static xmlSchemaPtr schema;

gboolean dm_xml_schema_start(GError **error)
{
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewMemParserCtxt(source, (int)strlen(source));

    if (parser != NULL)
        schema = xmlSchemaParse(parser);
    xmlSchemaFreeParserCtxt(parser);
    if (schema == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "libxml2 does not read the schema of confirmations");
        return FALSE;
    }
    return TRUE;
}

void dm_xml_schema_stop(void)
{
    xmlSchemaFree(schema);
    schema = NULL;
}

gboolean dm_xml_schema_valid(xmlDocPtr document)
{
    xmlSchemaValidCtxtPtr context = xmlSchemaNewValidCtxt(schema);
    gboolean valid = context != NULL && xmlSchemaValidateDoc(context, document) == 0;

    xmlSchemaFreeValidCtxt(context);
    return valid;
}
