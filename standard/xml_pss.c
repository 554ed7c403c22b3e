#include "standard/xml_pss.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/keys.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>

/* What xmlsec allocates for one use; it knows the first member. */
typedef struct {
    xmlSecTransform base;
    EVP_MD_CTX *context;
} Verifier;

static Verifier *verifier_of(xmlSecTransformPtr transform)
{
    return (Verifier *)transform;
}

static int initialize(xmlSecTransformPtr transform)
{
    verifier_of(transform)->context = EVP_MD_CTX_new();
    return verifier_of(transform)->context != NULL ? 0 : -1;
}

static void finalize(xmlSecTransformPtr transform)
{
    EVP_MD_CTX_free(verifier_of(transform)->context);
    verifier_of(transform)->context = NULL;
}

static int set_key_requirements(xmlSecTransformPtr transform, xmlSecKeyReqPtr requirements)
{
    (void)transform;
    requirements->keyId = xmlSecOpenSSLKeyDataRsaId;
    requirements->keyType = xmlSecKeyDataTypePublic;
    requirements->keyUsage = xmlSecKeyUsageVerify;
    return 0;
}

static const EVP_MD *digest_of(xmlSecTransformPtr transform)
{
    const char *method = (const char *)transform->id->href;

    if (strcmp(method, DM_XML_PSS_SHA256) == 0)
        return EVP_sha256();
    return strcmp(method, DM_XML_PSS_SHA384) == 0 ? EVP_sha384() : EVP_sha512();
}

static int set_key(xmlSecTransformPtr transform, xmlSecKeyPtr key)
{
    EVP_PKEY *value = xmlSecOpenSSLEvpKeyDataGetEvp(xmlSecKeyGetValue(key));
    const EVP_MD *digest = digest_of(transform);
    EVP_PKEY_CTX *parameters = NULL;

    if (transform->operation != xmlSecTransformOperationVerify || value == NULL)
        return -1;
    if (EVP_DigestVerifyInit(verifier_of(transform)->context, &parameters, digest, NULL, value) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, digest) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) != 1)
        return -1;
    return 0;
}

static int execute(xmlSecTransformPtr transform, int last, xmlSecTransformCtxPtr context)
{
    xmlSecSize size = xmlSecBufferGetSize(&transform->inBuf);

    (void)context;
    if (size > 0 &&
        EVP_DigestVerifyUpdate(verifier_of(transform)->context, xmlSecBufferGetData(&transform->inBuf), size) != 1)
        return -1;
    transform->status = last ? xmlSecTransformStatusFinished : xmlSecTransformStatusWorking;
    return xmlSecBufferRemoveHead(&transform->inBuf, size);
}

static int verify(xmlSecTransformPtr transform, const xmlSecByte *data, xmlSecSize size, xmlSecTransformCtxPtr context)
{
    int matches = EVP_DigestVerifyFinal(verifier_of(transform)->context, data, size);

    (void)context;
    ERR_clear_error();
    transform->status = matches == 1 ? xmlSecTransformStatusOk : xmlSecTransformStatusFail;
    return 0;
}

#define METHOD(uri)                                                                                                    \
    {                                                                                                                  \
        .klassSize = sizeof(xmlSecTransformKlass), .objSize = sizeof(Verifier), .name = BAD_CAST "rsa-pss",            \
        .href = BAD_CAST uri, .usage = xmlSecTransformUsageSignatureMethod, .initialize = initialize,                  \
        .finalize = finalize, .setKeyReq = set_key_requirements, .setKey = set_key, .verify = verify,                  \
        .getDataType = xmlSecTransformDefaultGetDataType, .pushBin = xmlSecTransformDefaultPushBin,                    \
        .popBin = xmlSecTransformDefaultPopBin, .execute = execute,                                                    \
    }

static const xmlSecTransformKlass methods[] = {METHOD(DM_XML_PSS_SHA256), METHOD(DM_XML_PSS_SHA384),
                                               METHOD(DM_XML_PSS_SHA512)};

gboolean dm_xml_pss_register(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (xmlSecTransformIdsRegister(&methods[i]) < 0)
            return FALSE;
    return TRUE;
}
