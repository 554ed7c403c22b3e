/*
 * The list of providers: as it comes, then signed by the configured signer, for what lies behind the signature is read
 * only then.
 */
#include "standard/trust_list.h"

#include "common/address.h"
#include "standard/xml.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/xml_signer.h"

#include <openssl/pem.h>
#include <string.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>

#define NOW  ((gint64)1784116800) /* 2026-07-15T12:00:00Z */
#define YEAR ((gint64)366 * 86400)

static X509 *given_signer;
static TsSigner *signer;
static xmlSecKeyPtr signing_key;

void fuzz_start(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;

    FUZZ_CHECK(dm_xml_start(NULL));
    given_signer = dm_trust_list_signer(GIVEN_DIR "/pki/tsl-signer.pem", NULL);
    signer = ts_signer_new("signer", NULL, FALSE, "critical,nonRepudiation", NOW - YEAR, NOW + YEAR);
    FUZZ_CHECK(given_signer != NULL);
    FUZZ_CHECK(PEM_write_bio_PrivateKey(bio, signer->key, NULL, NULL, 0, NULL, NULL) == 1);
    long length = BIO_get_mem_data(bio, &pem);
    signing_key = xmlSecOpenSSLAppKeyLoadMemory((const xmlSecByte *)pem, (xmlSecSize)length, xmlSecKeyDataFormatPem,
                                                NULL, NULL, NULL);
    FUZZ_CHECK(signing_key != NULL);
    BIO_free(bio);
}

static void check_list(const DmTrustList *list)
{
    for (guint i = 0; i < list->domains->len; i++) {
        const DmTrustListDomain *domain = g_ptr_array_index(list->domains, i);
        g_autofree char *address = g_strconcat("x@", domain->name, NULL);
        g_autofree char *lower = g_ascii_strdown(domain->name, -1);
        FUZZ_CHECK(dm_address_is_plain(address));
        FUZZ_CHECK(g_str_equal(lower, domain->name));
        FUZZ_CHECK(strchr(domain->name, '.') != NULL);
    }
}

static gboolean read_list(const char *bytes, gsize length, X509 *by)
{
    g_autoptr(GError) error = NULL;
    const char *reason = NULL;
    g_autoptr(DmTrustList) list = dm_trust_list_read(bytes, length, by, NOW, &reason, &error);

    FUZZ_CHECK((list == NULL) == (error != NULL) && (list == NULL) == (reason != NULL));
    if (list != NULL)
        check_list(list);
    return list != NULL;
}

/* FALSE where the document can't be signed. */
static gboolean sign(xmlDocPtr document)
{
    xmlNodePtr node =
        xmlSecTmplSignatureCreate(document, xmlSecTransformExclC14NId, xmlSecOpenSSLTransformEcdsaSha256Id, NULL);
    xmlAddChild(xmlDocGetRootElement(document), node);
    xmlNodePtr reference =
        xmlSecTmplSignatureAddReference(node, xmlSecOpenSSLTransformSha256Id, NULL, BAD_CAST "", NULL);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId);
    xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
    context->signKey = xmlSecKeyDuplicate(signing_key);
    gboolean good = xmlSecDSigCtxSign(context, node) == 0;
    xmlSecDSigCtxDestroy(context);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(xmlDoc) document = dm_xml_parse((const char *)data, size, NULL);
    xmlChar *text = NULL;
    int length = 0;

    read_list((const char *)data, size, given_signer);
    if (document == NULL || !sign(document))
        return 0;
    xmlDocDumpMemory(document, &text, &length);
    if (text != NULL)
        read_list((const char *)text, (gsize)length, signer->certificate);
    xmlFree(text);
    return 0;
}
