#include "tests/unit/xml_signer.h"

#include "tests/unit/support.h"

#include <libxml/parser.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

/* The digest of the certificate is one that fits none: nobody judges it. */
static const char xades_template[] =
    "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#' Id='s1'><ds:SignedInfo>"
    "<ds:CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>"
    "<ds:SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'/>"
    "<ds:Reference Id='r1' URI=''><ds:Transforms>"
    "<ds:Transform Algorithm='http://www.w3.org/2000/09/xmldsig#enveloped-signature'/>"
    "<ds:Transform Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/></ds:Transforms>"
    "<ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><ds:DigestValue/></ds:Reference>"
    "<ds:Reference Type='http://uri.etsi.org/01903#SignedProperties' URI='#p1'><ds:Transforms>"
    "<ds:Transform Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/></ds:Transforms>"
    "<ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><ds:DigestValue/></ds:Reference>"
    "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>"
    "<ds:Object><xades:QualifyingProperties xmlns:xades='http://uri.etsi.org/01903/v1.3.2#' Target='#s1'>"
    "<xades:SignedProperties Id='p1'><xades:SignedSignatureProperties>"
    "<xades:SigningTime>2026-07-01T00:00:00Z</xades:SigningTime><xades:SigningCertificate><xades:Cert>"
    "<xades:CertDigest><ds:DigestMethod Algorithm='http://www.w3.org/2000/09/xmldsig#sha1'/>"
    "<ds:DigestValue>AAAA</ds:DigestValue></xades:CertDigest><xades:IssuerSerial>"
    "<ds:X509IssuerName>CN=signer</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber>"
    "</xades:IssuerSerial></xades:Cert></xades:SigningCertificate></xades:SignedSignatureProperties>"
    "</xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>";

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

TsSigner *ts_signer_new(const char *name, const TsSigner *issuer, gboolean is_ca, const char *usage, gint64 from,
                        gint64 until)
{
    TsSigner *signer = g_new0(TsSigner, 1);
    X509 *certificate = X509_new();

    signer->key = EVP_EC_gen("P-256");
    signer->certificate = certificate;
    assert_non_null(signer->key);
    const TsSigner *by = issuer != NULL ? issuer : signer;
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const guchar *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(by->certificate));
    X509_set_pubkey(certificate, signer->key);
    add_extension(certificate, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, NID_key_usage, usage);
    assert_true(X509_sign(certificate, by->key, EVP_sha256()) > 0);
    return signer;
}

void ts_signer_free(TsSigner *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    X509_free(signer->certificate);
    g_free(signer);
}

static xmlSecKeyPtr load_key(const TsSigner *signer)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, signer->key, NULL, NULL, 0, NULL, NULL), 1);
    long length = BIO_get_mem_data(bio, &pem);
    xmlSecKeyPtr key = xmlSecOpenSSLAppKeyLoadMemory((const guchar *)pem, (xmlSecSize)length, xmlSecKeyDataFormatPem,
                                                     NULL, NULL, NULL);
    assert_non_null(key);
    assert_int_equal(BIO_reset(bio), 1);
    assert_int_equal(PEM_write_bio_X509(bio, signer->certificate), 1);
    length = BIO_get_mem_data(bio, &pem);
    assert_int_equal(
        xmlSecOpenSSLAppKeyCertLoadMemory(key, (const guchar *)pem, (xmlSecSize)length, xmlSecKeyDataFormatPem), 0);
    BIO_free(bio);
    return key;
}

/* Signs, serialises and frees the document. */
static char *fill(xmlDocPtr document, xmlNodePtr signature, const TsSigner *signer)
{
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    xmlChar *text = NULL;
    int length = 0;

    context->signKey = load_key(signer);
    assert_int_equal(xmlSecDSigCtxSign(context, signature), 0);
    xmlDocDumpMemory(document, &text, &length);
    char *signed_xml = g_strndup((const char *)text, (gsize)length);
    xmlFree(text);
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(document);
    return signed_xml;
}

char *ts_sign(const char *xml, const TsSigner *signer)
{
    xmlDocPtr document = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);

    assert_non_null(document);
    xmlNodePtr signature =
        xmlSecTmplSignatureCreate(document, xmlSecTransformExclC14NId, xmlSecOpenSSLTransformEcdsaSha256Id, NULL);
    xmlAddChild(xmlDocGetRootElement(document), signature);
    xmlNodePtr reference =
        xmlSecTmplSignatureAddReference(signature, xmlSecOpenSSLTransformSha256Id, NULL, BAD_CAST "", NULL);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId);
    xmlSecTmplKeyInfoAddX509Data(xmlSecTmplSignatureEnsureKeyInfo(signature, NULL));
    return fill(document, signature, signer);
}

char *ts_sign_template(const char *xml, const TsSigner *signer)
{
    xmlDocPtr document = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);

    assert_non_null(document);
    static const xmlChar *ids[] = {BAD_CAST "ID", NULL};
    xmlSecAddIDs(document, xmlDocGetRootElement(document), ids);
    xmlNodePtr signature = xmlSecFindNode(xmlDocGetRootElement(document), xmlSecNodeSignature, xmlSecDSigNs);
    assert_non_null(signature);
    return fill(document, signature, signer);
}

char *ts_with_xades(const char *xml)
{
    const char *end = strrchr(xml, '<');
    g_autofree char *start = g_strndup(xml, (gsize)(end - xml));

    return g_strconcat(start, xades_template, end, NULL);
}
