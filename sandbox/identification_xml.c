#include "sandbox/identification_xml.h"

#include "sandbox/xml_build.h"
#include "standard/xml.h"

#define SAML_NS      "urn:oasis:names:tc:SAML:2.0:assertion"
#define IDENT_NS     "http://www.de-mail.de/xml/2010/01/ident"
#define XSI_NS       "http://www.w3.org/2001/XMLSchema-instance"
#define EMAIL_FORMAT "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
#define AUTHN_CLASS  "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract"

static void set(xmlNodePtr node, const char *name, const char *value)
{
    xmlNewProp(node, BAD_CAST name, BAD_CAST value);
}

static xmlNodePtr add_element(xmlNodePtr parent, const char *name)
{
    return xmlNewChild(parent, NULL, BAD_CAST name, NULL);
}

static xmlNodePtr add_address(xmlNodePtr parent, const char *name, const char *address)
{
    xmlNodePtr node = dm_xml_add(parent, name, address);
    set(node, "Format", EMAIL_FORMAT);
    return node;
}

static void add_card(xmlNodePtr root, const char *address, const char *now)
{
    xmlNodePtr attribute = add_element(add_element(root, "AttributeStatement"), "Attribute");
    set(attribute, "Name", "Card");
    xmlNodePtr value = add_element(attribute, "AttributeValue");
    xmlNsPtr ident = xmlNewNs(value, BAD_CAST IDENT_NS, BAD_CAST "de-mail");
    xmlNsPtr xsi = xmlNewNs(value, BAD_CAST XSI_NS, BAD_CAST "xsi");
    xmlNewNsProp(value, xsi, BAD_CAST "type", BAD_CAST "de-mail:Identcard");
    xmlNodePtr card = xmlNewChild(value, ident, BAD_CAST "DeMailAddress", NULL);
    set(dm_xml_add(card, "de-mail-address", address), "validationTime", now);
}

/* Everything but the Signature; its place is behind the Issuer, which is returned. */
static xmlNodePtr add_content(xmlNodePtr root, const DmIdentificationXml *content)
{
    g_autofree char *now = dm_xml_time(g_get_real_time() / G_USEC_PER_SEC);
    set(root, "Version", "2.0");
    set(root, "ID", content->id);
    set(root, "IssueInstant", now);
    xmlNodePtr issuer = add_address(root, "Issuer", content->issuer);
    add_address(add_element(root, "Subject"), "NameID", content->subject);
    dm_xml_add(add_element(add_element(root, "Conditions"), "AudienceRestriction"), "Audience", content->audience);
    xmlNodePtr authentication = add_element(root, "AuthnStatement");
    set(authentication, "AuthnInstant", now);
    dm_xml_add(add_element(authentication, "AuthnContext"), "AuthnContextClassRef", AUTHN_CLASS);
    add_card(root, content->subject, now);
    return issuer;
}

char *dm_identification_xml(const DmIdentificationXml *content, const DmXmlSigner *signer, GError **error)
{
    g_autoptr(xmlDoc) document = xmlNewDoc(BAD_CAST "1.0");
    xmlNodePtr root = xmlNewNode(NULL, BAD_CAST "Assertion");
    xmlDocSetRootElement(document, root);
    xmlSetNs(root, xmlNewNs(root, BAD_CAST SAML_NS, BAD_CAST "saml"));
    xmlNodePtr issuer = add_content(root, content);
    return dm_xml_sign(document, issuer, signer, error) ? dm_xml_write(document, error) : NULL;
}
