#include "standard/identification.h"

#include "common/address.h"
#include "common/demail.h"
#include "standard/xml.h"

#include <string.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/strings.h>
#include <xmlsec/xmltree.h>

#define SAML_NAMESPACE "urn:oasis:names:tc:SAML:2.0:assertion"
#define EMAIL_FORMAT   "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
#define SUBJECT        "Ident-Bestätigung"

gboolean dm_identification_is_assertion(xmlNodePtr root)
{
    return xmlSecCheckNodeName(root, BAD_CAST "Assertion", BAD_CAST SAML_NAMESPACE);
}

static guint count(xmlNodePtr parent, const char *name)
{
    guint found = 0;

    for (xmlNodePtr child = xmlFirstElementChild(parent); child != NULL; child = xmlNextElementSibling(child))
        found += xmlSecCheckNodeName(child, BAD_CAST name, BAD_CAST SAML_NAMESPACE) ? 1U : 0U;
    return found;
}

/* The only child element of that name; NULL if there is none or more than one. */
static xmlNodePtr only(xmlNodePtr parent, const char *name)
{
    return parent != NULL && count(parent, name) == 1 ? dm_xml_child(parent, name) : NULL;
}

/* The only child element at all, which has that name. */
static xmlNodePtr sole(xmlNodePtr parent, const char *name)
{
    xmlNodePtr child = only(parent, name);

    return child != NULL && xmlChildElementCount(parent) == 1 ? child : NULL;
}

static gboolean has_value(xmlNodePtr node, const char *attribute, const char *wanted)
{
    xmlChar *value = xmlGetNoNsProp(node, BAD_CAST attribute);
    gboolean same = xmlStrEqual(value, BAD_CAST wanted);

    xmlFree(value);
    return same;
}

static gint64 get_time(xmlNodePtr node, const char *attribute)
{
    xmlChar *value = xmlGetNoNsProp(node, BAD_CAST attribute);
    gint64 time = dm_case_time((const char *)value);

    xmlFree(value);
    return time;
}

static char *get_text(xmlNodePtr node)
{
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    char *text = g_strdup(content ? (const char *)content : "");

    xmlFree(content);
    return g_strstrip(text);
}

static void require(const DmStatementCase *statement, gboolean holds, const char *reason)
{
    if (!holds)
        dm_findings_fail(statement->findings, reason);
}

/* Nothing stands in an assertion but what ID IO 2.6 names. */
static gboolean has_only_known(xmlNodePtr root)
{
    static const char *const names[] = {"Issuer", "Subject", "Conditions", "AuthnStatement", "AttributeStatement"};

    for (xmlNodePtr child = xmlFirstElementChild(root); child != NULL; child = xmlNextElementSibling(child)) {
        gboolean known = xmlSecCheckNodeName(child, xmlSecNodeSignature, xmlSecDSigNs);
        for (gsize i = 0; i < G_N_ELEMENTS(names) && !known; i++)
            known = xmlSecCheckNodeName(child, BAD_CAST names[i], BAD_CAST SAML_NAMESPACE);
        if (!known)
            return FALSE;
    }
    return TRUE;
}

static void judge_attributes(const DmStatementCase *statement)
{
    xmlChar *id = xmlGetNoNsProp(statement->root, BAD_CAST "ID");

    require(statement, has_value(statement->root, "Version", "2.0"), "ident.version");
    require(statement, id != NULL && xmlValidateNCName(id, 0) == 0, "ident.id");
    require(statement, get_time(statement->root, "IssueInstant") != 0, "ident.issue-instant");
    require(statement, has_only_known(statement->root), "ident.element");
    xmlFree(id);
}

/* The provider's address: of the domain that the message comes from. */
static void judge_issuer(const DmStatementCase *statement)
{
    xmlNodePtr issuer = only(statement->root, "Issuer");
    g_autofree char *address = get_text(issuer);
    g_autofree char *sender = dm_case_sender(statement);
    g_autofree char *domain = dm_address_domain(address);
    g_autofree char *sender_domain = sender ? dm_address_domain(sender) : NULL;

    require(statement, issuer != NULL && has_value(issuer, "Format", EMAIL_FORMAT) && domain != NULL, "ident.issuer");
    if (domain == NULL || sender == NULL)
        return;
    if (g_strcmp0(domain, sender_domain) != 0)
        dm_findings_fail(statement->findings, "ident.issuer");
    else if (!dm_address_equal(address, sender))
        dm_findings_warn(statement->findings, "ident.issuer-differs");
}

/* Who had himself identified has a copy, and the audience is to whom it went (ID IO 2.1.1). */
static void judge_parties(const DmStatementCase *statement)
{
    xmlNodePtr name = sole(only(statement->root, "Subject"), "NameID");
    xmlNodePtr audience = sole(sole(only(statement->root, "Conditions"), "AudienceRestriction"), "Audience");
    g_autofree char *subject_address = get_text(name);
    g_autofree char *audience_address = get_text(audience);
    DmChosen chosen;
    gboolean readable = dm_case_chosen(statement, &chosen);

    require(statement, name != NULL && has_value(name, "Format", EMAIL_FORMAT), "ident.subject");
    require(statement, audience != NULL, "ident.audience");
    if (readable) {
        g_autoptr(GHashTable) to = dm_case_address_set(chosen.to, NULL);
        g_autoptr(GHashTable) all = dm_case_address_set(chosen.to, chosen.cc, NULL);
        require(statement, name == NULL || dm_case_has_address(all, subject_address), "ident.subject");
        require(statement, audience == NULL || dm_case_has_address(to, audience_address), "ident.audience");
    }
    dm_chosen_clear(&chosen);
}

static void judge_statements(const DmStatementCase *statement)
{
    xmlNodePtr authentication = only(statement->root, "AuthnStatement");
    xmlNodePtr method = only(only(authentication, "AuthnContext"), "AuthnContextClassRef");
    xmlNodePtr attribute = only(only(statement->root, "AttributeStatement"), "Attribute");
    xmlNodePtr card = only(attribute, "AttributeValue");
    g_autofree char *class = get_text(method);

    require(statement, authentication != NULL && method != NULL && class[0] != '\0', "ident.authentication");
    /* Written AuthInstant in the text of ID IO 2.6, but AuthnInstant in its example and in SAML. */
    if (authentication != NULL)
        require(statement,
                get_time(authentication, "AuthnInstant") != 0 || get_time(authentication, "AuthInstant") != 0,
                "ident.authentication");
    require(statement, card != NULL && xmlFirstElementChild(card) != NULL, "ident.card");
}

/* ID IO 2.6 prescribes both transforms of the signature. */
static void judge_transforms(const DmStatementCase *statement)
{
    static const char *const path[] = {"Signature", "SignedInfo", "Reference", "Transforms"};
    xmlNodePtr node = statement->root;

    for (gsize i = 0; i < G_N_ELEMENTS(path) && node != NULL; i++)
        node = xmlSecFindChild(node, BAD_CAST path[i], xmlSecDSigNs);
    if (node == NULL)
        return;
    xmlNodePtr last = xmlLastElementChild(node);
    require(statement,
            xmlChildElementCount(node) == 2 &&
                has_value(last, "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            "ident.signature-transforms");
}

static void judge_header(const DmStatementCase *statement)
{
    const char *value = dm_headers_get(statement->headers, "Subject", 0);
    g_autofree char *subject = value ? dm_header_decode(value) : NULL;

    require(statement, subject == NULL || dm_case_same(subject, SUBJECT), "ident.mail-subject");
}

void dm_identification_judge(const DmStatementCase *statement)
{
    DmStatement *out = dm_statement_new();

    dm_case_take(&out->issuer, get_text(only(statement->root, "Issuer")));
    out->time = get_time(statement->root, "IssueInstant");
    statement->findings->statement = out;
    dm_case_judge_signature(statement);
    judge_transforms(statement);
    judge_attributes(statement);
    judge_issuer(statement);
    judge_parties(statement);
    judge_statements(statement);
    judge_header(statement);
}
