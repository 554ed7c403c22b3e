#include "standard/xml_xades.h"

#include <libxml/valid.h>
#include <xmlsec/strings.h>
#include <xmlsec/xmltree.h>

#define XADES           "http://uri.etsi.org/01903/v1.3.2#"
#define PROPERTIES_TYPE "http://uri.etsi.org/01903#SignedProperties"

static gboolean is_xades(xmlNodePtr node, const char *name)
{
    return xmlSecCheckNodeName(node, BAD_CAST name, BAD_CAST XADES);
}

static xmlNodePtr only_object(xmlNodePtr signature)
{
    xmlNodePtr found = NULL;

    for (xmlNodePtr child = xmlFirstElementChild(signature); child != NULL; child = xmlNextElementSibling(child)) {
        if (!xmlSecCheckNodeName(child, xmlSecNodeObject, xmlSecDSigNs))
            continue;
        if (found != NULL)
            return NULL;
        found = child;
    }
    return found;
}

/* The only element in `parent`; NULL if there is none, another one or one with another name. */
static xmlNodePtr only_element(xmlNodePtr parent, const char *name)
{
    xmlNodePtr child = parent != NULL ? xmlFirstElementChild(parent) : NULL;

    return child != NULL && is_xades(child, name) && xmlNextElementSibling(child) == NULL ? child : NULL;
}

/* Attributes of that value, in `node` and below, that some reader could take for an ID. The parser bounds the depth. */
static guint count_ids(xmlNodePtr node, const xmlChar *value)
{
    guint count = 0;

    for (xmlAttrPtr attribute = node->properties; attribute != NULL; attribute = attribute->next) {
        if (g_ascii_strcasecmp((const char *)attribute->name, "id") != 0)
            continue;
        xmlChar *other = xmlNodeGetContent((xmlNodePtr)attribute);
        count += xmlStrEqual(other, value) ? 1U : 0U;
        xmlFree(other);
    }
    for (xmlNodePtr child = xmlFirstElementChild(node); child != NULL; child = xmlNextElementSibling(child))
        count += count_ids(child, value);
    return count;
}

/* A name, since xmlsec puts what it looks up into an XPointer. */
static gboolean is_sole_id(xmlDocPtr document, const xmlChar *value)
{
    return xmlValidateNCName(value, 0) == 0 && count_ids(xmlDocGetRootElement(document), value) == 1;
}

/* Whether a reference to the value of this attribute leads to its element, and no other element could be meant. */
static gboolean register_id(xmlAttrPtr id)
{
    xmlChar *value = xmlNodeGetContent((xmlNodePtr)id);
    gboolean registered = FALSE;

    if (value != NULL && is_sole_id(id->doc, value)) {
        if (xmlGetID(id->doc, value) == NULL)
            xmlAddID(NULL, id->doc, value, id);
        registered = xmlGetID(id->doc, value) == id;
    }
    xmlFree(value);
    return registered;
}

/* Whether the attribute `name` of `from` is "#" and the Id of `to`. */
static gboolean points_to(xmlNodePtr from, const char *name, xmlNodePtr to)
{
    xmlChar *uri = xmlGetNoNsProp(from, BAD_CAST name);
    xmlChar *id = xmlGetNoNsProp(to, xmlSecAttrId);
    gboolean points = uri != NULL && id != NULL && uri[0] == '#' && xmlStrEqual(uri + 1, id);

    xmlFree(uri);
    xmlFree(id);
    return points;
}

xmlNodePtr dm_xml_xades_properties(xmlNodePtr signature)
{
    xmlNodePtr qualifying = only_element(only_object(signature), "QualifyingProperties");
    xmlNodePtr properties = only_element(qualifying, "SignedProperties");

    if (properties == NULL || !points_to(qualifying, "Target", signature))
        return NULL;
    xmlAttrPtr signature_id = xmlHasNsProp(signature, xmlSecAttrId, NULL);
    xmlAttrPtr properties_id = xmlHasNsProp(properties, xmlSecAttrId, NULL);
    if (signature_id == NULL || !register_id(signature_id) || properties_id == NULL || !register_id(properties_id))
        return NULL;
    return properties;
}

gboolean dm_xml_xades_refers(xmlNodePtr reference, xmlNodePtr properties)
{
    xmlChar *type = xmlGetNoNsProp(reference, xmlSecAttrType);
    gboolean refers = xmlStrEqual(type, BAD_CAST PROPERTIES_TYPE) && points_to(reference, "URI", properties);

    xmlFree(type);
    return refers;
}
