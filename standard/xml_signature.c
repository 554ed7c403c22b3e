#include "standard/xml.h"

#include "standard/xml_pss.h"
#include "standard/xml_xades.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/strings.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#define CERTIFICATE_MAX 65536 /* bytes of base64 */
#define PREFIX_LIST_MAX 256   /* of exclusive canonicalisation; its cost grows with elements times prefixes */
#define SAML_NAMESPACE  "urn:oasis:names:tc:SAML:2.0:assertion"
#define C14N            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define C14N_1_1        "http://www.w3.org/2006/12/xml-c14n11"
#define C14N_EXCLUSIVE  "http://www.w3.org/2001/10/xml-exc-c14n#"
#define MORE            "http://www.w3.org/2001/04/xmldsig-more#"

static const char *const canonicalisations[] = {
    C14N,           C14N "#WithComments",          C14N_1_1, C14N_1_1 "#WithComments",
    C14N_EXCLUSIVE, C14N_EXCLUSIVE "WithComments", NULL};

static const char *const methods[] = {
    MORE "rsa-sha256",   MORE "rsa-sha384", MORE "rsa-sha512", MORE "ecdsa-sha256", MORE "ecdsa-sha384",
    MORE "ecdsa-sha512", DM_XML_PSS_SHA256, DM_XML_PSS_SHA384, DM_XML_PSS_SHA512,   NULL};

static const char *const digests[] = {"http://www.w3.org/2001/04/xmlenc#sha256", MORE "sha384",
                                      "http://www.w3.org/2001/04/xmlenc#sha512", NULL};

typedef struct {
    xmlNodePtr signature;
    xmlNodePtr signed_info;
    xmlNodePtr reference;            /* to the document */
    xmlNodePtr properties;           /* of XAdES; NULL in a plain signature, as the next one */
    xmlNodePtr properties_reference; /* to these */
} Parts;

static gboolean is_dsig(xmlNodePtr node, const xmlChar *name)
{
    return xmlSecCheckNodeName(node, name, xmlSecDSigNs);
}

/* The next node in document order below `root`, elements only. */
static xmlNodePtr next_element(xmlNodePtr node, const xmlNode *root)
{
    xmlNodePtr next = xmlFirstElementChild(node);

    while (next == NULL && node != root) {
        next = xmlNextElementSibling(node);
        node = node->parent;
    }
    return next;
}

static guint count_children(xmlNodePtr parent, const xmlChar *name)
{
    guint count = 0;

    for (xmlNodePtr child = xmlFirstElementChild(parent); child != NULL; child = xmlNextElementSibling(child))
        count += is_dsig(child, name) ? 1U : 0U;
    return count;
}

/* The only child of that name; NULL if there is none or more than one. */
static xmlNodePtr only_child(xmlNodePtr parent, const xmlChar *name)
{
    return count_children(parent, name) == 1 ? xmlSecFindChild(parent, name, xmlSecDSigNs) : NULL;
}

static DmXmlSignature find_signature(xmlNodePtr root, Parts *parts)
{
    guint count = 0;

    for (xmlNodePtr node = root; node != NULL; node = next_element(node, root)) {
        if (!is_dsig(node, xmlSecNodeSignature))
            continue;
        parts->signature = node;
        count++;
    }
    if (count == 0)
        return DM_XML_SIGNATURE_MISSING;
    return count == 1 && parts->signature->parent == root ? DM_XML_SIGNATURE_GOOD : DM_XML_SIGNATURE_SCOPE;
}

/* Whether the URI "#ID" names the root of a SAML assertion, which is signed so (SAML core 5.4.2), and nothing else. */
static gboolean names_assertion(xmlDocPtr document, xmlNodePtr root, const char *uri)
{
    xmlAttrPtr id = xmlHasProp(root, BAD_CAST "ID");

    if (id == NULL || uri[0] != '#' || !xmlSecCheckNodeName(root, BAD_CAST "Assertion", BAD_CAST SAML_NAMESPACE))
        return FALSE;
    if (xmlValidateNCName(BAD_CAST(uri + 1), 0) != 0)
        return FALSE;
    if (xmlGetID(document, BAD_CAST(uri + 1)) == NULL) {
        xmlChar *value = xmlNodeGetContent((xmlNodePtr)id);
        xmlAddID(NULL, document, value, id);
        xmlFree(value);
    }
    return xmlGetID(document, BAD_CAST(uri + 1)) == id;
}

static gboolean covers_document(xmlDocPtr document, xmlNodePtr root, xmlNodePtr reference)
{
    xmlChar *uri = xmlGetNoNsProp(reference, BAD_CAST "URI");
    gboolean covers = uri != NULL && (*uri == '\0' || names_assertion(document, root, (const char *)uri));

    xmlFree(uri);
    return covers;
}

/* Whether SignedInfo has one reference to the document, one to the properties if there are any, and no other. */
static gboolean find_references(xmlDocPtr document, Parts *parts)
{
    xmlNodePtr root = xmlDocGetRootElement(document);

    for (xmlNodePtr node = xmlFirstElementChild(parts->signed_info); node != NULL; node = xmlNextElementSibling(node)) {
        xmlNodePtr *place = NULL;

        if (!is_dsig(node, xmlSecNodeReference))
            continue;
        if (covers_document(document, root, node))
            place = &parts->reference;
        else if (parts->properties != NULL && dm_xml_xades_refers(node, parts->properties))
            place = &parts->properties_reference;
        if (place == NULL || *place != NULL)
            return FALSE;
        *place = node;
    }
    return parts->reference != NULL && (parts->properties == NULL || parts->properties_reference != NULL);
}

/* Signature holds what its form has, and nothing that could bring in other references. */
static DmXmlSignature find_parts(xmlDocPtr document, DmXmlForm form, Parts *parts)
{
    DmXmlSignature found = find_signature(xmlDocGetRootElement(document), parts);

    if (found != DM_XML_SIGNATURE_GOOD)
        return found;
    if (count_children(parts->signature, xmlSecNodeObject) != 0) {
        if (form == DM_XML_FORM_OR_XADES)
            parts->properties = dm_xml_xades_properties(parts->signature);
        if (parts->properties == NULL)
            return DM_XML_SIGNATURE_SCOPE;
    }
    parts->signed_info = only_child(parts->signature, xmlSecNodeSignedInfo);
    if (parts->signed_info == NULL || !find_references(document, parts))
        return DM_XML_SIGNATURE_SCOPE;
    return DM_XML_SIGNATURE_GOOD;
}

static gboolean has_algorithm(xmlNodePtr node, const char *const *allowed)
{
    xmlChar *algorithm = node ? xmlGetNoNsProp(node, xmlSecAttrAlgorithm) : NULL;
    gboolean is_allowed = algorithm != NULL && g_strv_contains(allowed, (const char *)algorithm);

    xmlFree(algorithm);
    return is_allowed;
}

static gboolean is_canonicalisation(xmlNodePtr node)
{
    if (!has_algorithm(node, canonicalisations))
        return FALSE;
    xmlNodePtr parameter = xmlFirstElementChild(node);
    if (parameter == NULL)
        return TRUE;
    xmlChar *prefixes = xmlGetNoNsProp(parameter, BAD_CAST "PrefixList");
    gboolean bounded = prefixes == NULL || xmlStrlen(prefixes) <= PREFIX_LIST_MAX;
    xmlFree(prefixes);
    return bounded && xmlNextElementSibling(parameter) == NULL;
}

/* Enveloped, then at most one canonicalisation. */
static DmXmlSignature judge_transforms(xmlNodePtr reference)
{
    static const char *const enveloped[] = {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", NULL};
    xmlNodePtr transforms = only_child(reference, xmlSecNodeTransforms);
    xmlNodePtr transform = transforms ? xmlFirstElementChild(transforms) : NULL;

    if (transform == NULL)
        return DM_XML_SIGNATURE_SCOPE;
    if (!has_algorithm(transform, enveloped))
        return is_canonicalisation(transform) ? DM_XML_SIGNATURE_SCOPE : DM_XML_SIGNATURE_ALGORITHM;
    transform = xmlNextElementSibling(transform);
    if (transform == NULL)
        return DM_XML_SIGNATURE_GOOD;
    if (!is_canonicalisation(transform) || xmlNextElementSibling(transform) != NULL)
        return DM_XML_SIGNATURE_ALGORITHM;
    return DM_XML_SIGNATURE_GOOD;
}

/* Nothing, or one canonicalisation: more would sign something else than the properties. */
static DmXmlSignature judge_properties_transforms(xmlNodePtr reference)
{
    if (count_children(reference, xmlSecNodeTransforms) == 0)
        return DM_XML_SIGNATURE_GOOD;
    xmlNodePtr transforms = only_child(reference, xmlSecNodeTransforms);
    xmlNodePtr transform = transforms ? xmlFirstElementChild(transforms) : NULL;
    if (transform == NULL || xmlNextElementSibling(transform) != NULL || !is_canonicalisation(transform))
        return DM_XML_SIGNATURE_SCOPE;
    return DM_XML_SIGNATURE_GOOD;
}

static gboolean has_good_digest(xmlNodePtr reference)
{
    xmlNodePtr digest = only_child(reference, xmlSecNodeDigestMethod);

    return has_algorithm(digest, digests) && xmlFirstElementChild(digest) == NULL;
}

static DmXmlSignature judge_algorithms(const Parts *parts)
{
    xmlNodePtr method = only_child(parts->signed_info, xmlSecNodeSignatureMethod);

    if (!is_canonicalisation(only_child(parts->signed_info, xmlSecNodeCanonicalizationMethod)))
        return DM_XML_SIGNATURE_ALGORITHM;
    if (!has_algorithm(method, methods) || xmlFirstElementChild(method) != NULL)
        return DM_XML_SIGNATURE_ALGORITHM;
    if (!has_good_digest(parts->reference))
        return DM_XML_SIGNATURE_ALGORITHM;
    DmXmlSignature judged = judge_transforms(parts->reference);
    if (judged != DM_XML_SIGNATURE_GOOD || parts->properties == NULL)
        return judged;
    if (!has_good_digest(parts->properties_reference))
        return DM_XML_SIGNATURE_ALGORITHM;
    return judge_properties_transforms(parts->properties_reference);
}

static X509 *read_certificate(xmlNodePtr signature)
{
    xmlNodePtr node = xmlSecFindChild(signature, xmlSecNodeKeyInfo, xmlSecDSigNs);
    X509 *certificate = NULL;

    node = node ? xmlSecFindChild(node, xmlSecNodeX509Data, xmlSecDSigNs) : NULL;
    node = node ? xmlSecFindChild(node, xmlSecNodeX509Certificate, xmlSecDSigNs) : NULL;
    xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
    if (text != NULL && xmlStrlen(text) <= CERTIFICATE_MAX) {
        gsize length;
        g_autofree guchar *der = g_base64_decode((const char *)text, &length);
        const guchar *end = der;

        certificate = d2i_X509(NULL, &end, (long)length);
        if (certificate != NULL && end != der + length)
            g_clear_pointer(&certificate, X509_free);
    }
    xmlFree(text);
    return certificate;
}

/* A key marked id-RSASSA-PSS as the plain RSA key that it is (RFC 4056 1.2): xmlsec takes no other. */
static EVP_PKEY *as_plain_rsa(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *plain = NULL;

    if (context == NULL || EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &parameters) != 1 ||
        EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &plain, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        plain = NULL;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    return plain;
}

static xmlSecKeyPtr make_key(EVP_PKEY *key, gboolean is_pss)
{
    EVP_PKEY *own = NULL;

    if (is_pss && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
        own = as_plain_rsa(key);
    else if (EVP_PKEY_up_ref(key) == 1)
        own = key;
    xmlSecKeyDataPtr data = own ? xmlSecOpenSSLEvpKeyAdopt(own) : NULL;
    if (data == NULL) {
        EVP_PKEY_free(own);
        return NULL;
    }
    xmlSecKeyPtr made = xmlSecKeyCreate();
    if (made != NULL && xmlSecKeySetValue(made, data) == 0)
        return made;
    if (made != NULL)
        xmlSecKeyDestroy(made);
    xmlSecKeyDataDestroy(data);
    return NULL;
}

/* xmlsec takes no key but ours: with signKey set it never looks into KeyInfo. */
static gboolean is_verified(const Parts *parts, EVP_PKEY *key)
{
    static const char *const pss[] = {DM_XML_PSS_SHA256, DM_XML_PSS_SHA384, DM_XML_PSS_SHA512, NULL};
    gboolean is_pss = has_algorithm(only_child(parts->signed_info, xmlSecNodeSignatureMethod), pss);
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    gboolean verified = FALSE;

    if (context == NULL)
        return FALSE;
    context->flags = XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
    context->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
    context->signKey = make_key(key, is_pss);
    if (context->signKey != NULL && xmlSecDSigCtxVerify(context, parts->signature) == 0)
        verified = context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    return verified;
}

static DmXmlSignature judge_value(const Parts *parts, EVP_PKEY *key, X509 *certificate)
{
    EVP_PKEY *trusted = key;

    if (trusted == NULL && certificate != NULL)
        trusted = X509_get0_pubkey(certificate);
    if (trusted == NULL)
        return DM_XML_SIGNATURE_CERTIFICATE;
    return is_verified(parts, trusted) ? DM_XML_SIGNATURE_GOOD : DM_XML_SIGNATURE_BAD;
}

DmXmlSignature dm_xml_signature_judge(xmlDocPtr document, DmXmlForm form, EVP_PKEY *key, X509 **certificate)
{
    Parts parts = {NULL, NULL, NULL, NULL, NULL};
    X509 *own = NULL;
    DmXmlSignature judged = find_parts(document, form, &parts);

    if (certificate != NULL)
        *certificate = NULL;
    if (parts.signature != NULL)
        own = read_certificate(parts.signature);
    if (judged == DM_XML_SIGNATURE_GOOD)
        judged = judge_algorithms(&parts);
    if (judged == DM_XML_SIGNATURE_GOOD)
        judged = judge_value(&parts, key, own);
    if (certificate != NULL)
        *certificate = own;
    else
        X509_free(own);
    ERR_clear_error();
    return judged;
}
