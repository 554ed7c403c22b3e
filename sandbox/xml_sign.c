#include "sandbox/xml_sign.h"

#include <string.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

static xmlSecTransformId canonical_id(DmCanonical canonical)
{
    switch (canonical) {
    case DM_CANONICAL_EXCLUSIVE:
        return xmlSecTransformExclC14NId;
    case DM_CANONICAL_INCLUSIVE:
        break;
    }
    return xmlSecTransformInclC14NId;
}

/* The Signature with everything but its values; NULL if the library refuses. The caller hangs it into the tree. */
static xmlNodePtr make_template(xmlDocPtr document, DmCanonical canonical)
{
    xmlSecTransformId c14n = canonical_id(canonical);
    xmlNodePtr signature =
        xmlSecTmplSignatureCreateNsPref(document, c14n, xmlSecTransformRsaSha256Id, NULL, BAD_CAST "ds");
    if (!signature)
        return NULL;
    xmlNodePtr reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL, BAD_CAST "", NULL);
    xmlNodePtr key_info = xmlSecTmplSignatureEnsureKeyInfo(signature, NULL);
    xmlNodePtr data = key_info ? xmlSecTmplKeyInfoAddX509Data(key_info) : NULL;
    if (reference && xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) &&
        xmlSecTmplReferenceAddTransform(reference, c14n) && data && xmlSecTmplX509DataAddCertificate(data))
        return signature;
    xmlFreeNode(signature);
    return NULL;
}

static xmlSecKeyPtr load_key(const DmXmlSigner *signer)
{
    xmlSecKeyPtr key = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)signer->key, (xmlSecSize)strlen(signer->key),
                                                    xmlSecKeyDataFormatPem, NULL, NULL, NULL);
    if (key && xmlSecCryptoAppKeyCertLoadMemory(key, (const xmlSecByte *)signer->certificate,
                                                (xmlSecSize)strlen(signer->certificate), xmlSecKeyDataFormatPem) < 0) {
        xmlSecKeyDestroy(key);
        key = NULL;
    }
    return key;
}

static gboolean fill(xmlNodePtr signature, const DmXmlSigner *signer)
{
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    if (!context)
        return FALSE;
    context->signKey = load_key(signer);
    gboolean done =
        context->signKey && xmlSecDSigCtxSign(context, signature) == 0 && context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    return done;
}

gboolean dm_xml_sign(xmlDocPtr document, xmlNodePtr after, const DmXmlSigner *signer, GError **error)
{
    xmlNodePtr signature = make_template(document, signer->canonical);
    if (signature && after)
        xmlAddNextSibling(after, signature);
    else if (signature)
        xmlAddChild(xmlDocGetRootElement(document), signature);
    if (signature && fill(signature, signer))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_OS, "an XML document can't be signed; check the seal's key and certificate");
    return FALSE;
}
