#include "standard/trust_list.h"

#include "common/address.h"
#include "standard/certificate.h"
#include "standard/xml.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NAMESPACE "http://uri.etsi.org/02231/v2#"

typedef struct {
    DmTrustList *list;
    GHashTable *by_name; /* of the list's domains */
    gint64 at;
} Reading;

static gboolean fail(const char **reason, const char *code, GError **error, const char *what)
{
    if (reason != NULL)
        *reason = code;
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "%s: %s", code, what);
    return FALSE;
}

static void free_domain(gpointer data)
{
    DmTrustListDomain *domain = data;

    g_free(domain->name);
    g_free(domain);
}

void dm_trust_list_free(DmTrustList *list)
{
    if (list == NULL)
        return;
    g_ptr_array_unref(list->domains);
    g_free(list);
}

static gboolean is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns != NULL && strcmp((const char *)node->ns->href, NAMESPACE) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

/* `node` or the first sibling after it with that name; NULL if there is none. */
static const xmlNode *first_of(const xmlNode *node, const char *name)
{
    while (node != NULL && !is_element(node, name))
        node = node->next;
    return node;
}

static const xmlNode *child(const xmlNode *parent, const char *name)
{
    return parent != NULL ? first_of(parent->children, name) : NULL;
}

static char *text_of(const xmlNode *parent, const char *name)
{
    char *text = parent != NULL ? dm_xml_child_text(parent, name) : NULL;

    return text != NULL ? g_strstrip(text) : NULL;
}

static gboolean read_time(const xmlNode *parent, const char *name, gint64 *seconds)
{
    g_autofree char *text = text_of(parent, name);
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, utc) : NULL;

    if (time == NULL)
        return FALSE;
    *seconds = g_date_time_to_unix(time);
    return TRUE;
}

static gboolean read_scheme(const xmlNode *root, DmTrustList *list)
{
    const xmlNode *scheme = child(root, "SchemeInformation");
    g_autofree char *sequence = text_of(scheme, "TSLSequenceNumber");

    if (sequence == NULL || !g_ascii_string_to_signed(sequence, 10, 1, G_MAXINT64, &list->sequence, NULL) ||
        !read_time(scheme, "ListIssueDateTime", &list->issued))
        return FALSE;
    /* TS 102 231 leaves it empty in the last list of a scheme. */
    if (!read_time(child(scheme, "NextUpdate"), "dateTime", &list->next_update))
        list->next_update = 0;
    return TRUE;
}

/* The URIs end with Svcstatus/STATUS, below a path that grew with the editions of the standard. */
static gboolean is_active_status(const char *uri)
{
    static const char *const active[] = {"accredited", "undersupervision", "granted", "inaccord"};
    const char *path = g_str_has_prefix(uri, "http://uri.etsi.org/") ? strstr(uri, "/Svcstatus/") : NULL;

    for (gsize i = 0; path != NULL && i < G_N_ELEMENTS(active); i++) {
        if (strcmp(path + strlen("/Svcstatus/"), active[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_active(const Reading *reading, const xmlNode *information)
{
    g_autofree char *status = text_of(information, "ServiceStatus");
    gint64 since = 0;

    return status != NULL && is_active_status(status) && read_time(information, "StatusStartingTime", &since) &&
           since <= reading->at;
}

/* Lower case, in ASCII, no trailing dot; NULL if that is no domain. A list that names a top-level domain would turn
 * half of the Internet into De-Mail. */
static char *domain_name(const char *text)
{
    g_autofree char *ascii = strlen(text) <= DM_ADDRESS_MAX ? g_hostname_to_ascii(text) : NULL;
    if (ascii == NULL)
        return NULL;

    g_autofree char *address = g_strconcat("x@", ascii, NULL);
    DmAddress parsed;
    if (!dm_address_parse(address, &parsed))
        return NULL;
    char *name = strchr(parsed.domain, '.') != NULL ? g_strdup(parsed.domain) : NULL;
    dm_address_clear(&parsed);
    return name;
}

static void add_domain(const Reading *reading, const char *text, gboolean active)
{
    g_autofree char *name = domain_name(text);
    if (name == NULL)
        return;

    DmTrustListDomain *domain = g_hash_table_lookup(reading->by_name, name);
    if (domain == NULL) {
        domain = g_new0(DmTrustListDomain, 1);
        domain->name = g_steal_pointer(&name);
        g_ptr_array_add(reading->list->domains, domain);
        g_hash_table_insert(reading->by_name, domain->name, domain);
    }
    domain->active = domain->active || active;
}

/* A name may stand there in several languages. */
static void read_service(const Reading *reading, const xmlNode *service)
{
    const xmlNode *information = child(service, "ServiceInformation");
    const xmlNode *names = child(information, "ServiceName");
    gboolean active = information != NULL && is_active(reading, information);

    for (const xmlNode *name = child(names, "Name"); name != NULL; name = first_of(name->next, "Name")) {
        xmlChar *text = xmlNodeGetContent(name);
        if (text != NULL)
            add_domain(reading, g_strstrip((char *)text), active);
        xmlFree(text);
    }
}

/* One TrustServiceProviderList by the schema; the standard's text has one for each provider. */
static void read_services(const Reading *reading, const xmlNode *root)
{
    for (const xmlNode *all = child(root, "TrustServiceProviderList"); all != NULL;
         all = first_of(all->next, "TrustServiceProviderList")) {
        for (const xmlNode *one = child(all, "TrustServiceProvider"); one != NULL;
             one = first_of(one->next, "TrustServiceProvider")) {
            for (const xmlNode *service = child(child(one, "TSPServices"), "TSPService"); service != NULL;
                 service = first_of(service->next, "TSPService"))
                read_service(reading, service);
        }
    }
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(DmTrustListDomain *const *)a)->name, (*(DmTrustListDomain *const *)b)->name);
}

static DmTrustList *read_list(xmlDocPtr document, gint64 at)
{
    const xmlNode *root = xmlDocGetRootElement(document);
    g_autoptr(DmTrustList) list = g_new0(DmTrustList, 1);
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    const Reading reading = {list, names, at};

    list->domains = g_ptr_array_new_with_free_func(free_domain);
    if (!is_element(root, "TrustServiceStatusList") || !read_scheme(root, list))
        return NULL;
    read_services(&reading, root);
    g_ptr_array_sort(list->domains, by_name);
    return g_steal_pointer(&list);
}

/* Whether `signer` issued `certificate` for signing, and both are valid at `at`. */
static gboolean is_issued_by(X509 *certificate, X509 *signer, gint64 at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    gboolean good = store != NULL && context != NULL && X509_STORE_add_cert(store, signer) == 1 &&
                    X509_STORE_CTX_init(context, store, certificate, NULL) == 1;

    if (good) {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(parameters, (time_t)at);
        good = X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
               X509_verify_cert(context) == 1 &&
               (X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good;
}

static gboolean signature_is_good(DmXmlSignature signature, const char **reason, GError **error)
{
    switch (signature) {
    case DM_XML_SIGNATURE_GOOD:
        return TRUE;
    case DM_XML_SIGNATURE_MISSING:
        return fail(reason, "tsl.signature-missing", error, "the list is not signed");
    case DM_XML_SIGNATURE_SCOPE:
        return fail(reason, "tsl.signature-scope", error,
                    "the list does not have exactly one signature over the whole of it, plain or XAdES-BES");
    case DM_XML_SIGNATURE_ALGORITHM:
        return fail(reason, "tsl.signature-invalid", error, "the signature uses an algorithm that is not permitted");
    case DM_XML_SIGNATURE_CERTIFICATE:
    case DM_XML_SIGNATURE_BAD:
        return fail(reason, "tsl.signature-invalid", error, "the signature does not fit the list");
    }
    return FALSE;
}

static gboolean check_signature(xmlDocPtr document, X509 *signer, gint64 at, const char **reason, GError **error)
{
    X509 *certificate = NULL;

    if (dm_xml_signature_judge(document, DM_XML_FORM_OR_XADES, X509_get0_pubkey(signer), NULL) == DM_XML_SIGNATURE_GOOD)
        return TRUE;
    gboolean good =
        signature_is_good(dm_xml_signature_judge(document, DM_XML_FORM_OR_XADES, NULL, &certificate), reason, error);
    if (good && (certificate == NULL || !is_issued_by(certificate, signer, at)))
        good = fail(reason, "tsl.signer-untrusted", error,
                    "the list is signed, but neither by the configured signer nor by a certificate of its making");
    X509_free(certificate);
    return good;
}

DmTrustList *dm_trust_list_read(const char *bytes, gsize length, X509 *signer, gint64 at, const char **reason,
                                GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(xmlDoc) document = length <= DM_TRUST_LIST_MAX ? dm_xml_parse(bytes, length, &problem) : NULL;
    DmTrustList *list = NULL;

    if (document == NULL) {
        fail(reason, "tsl.malformed", error, problem != NULL ? problem->message : "the list is too large");
        return NULL;
    }
    if (!check_signature(document, signer, at, reason, error))
        return NULL;
    list = read_list(document, at);
    if (list == NULL)
        fail(reason, "tsl.malformed", error,
             "this is no list of trust services with sequence number and date of issue");
    return list;
}

gboolean dm_trust_list_expired(const DmTrustList *list, gint64 at)
{
    return list->next_update < at;
}

static gboolean covers(const char *entry, const char *domain)
{
    gsize entry_length = strlen(entry), domain_length = strlen(domain);

    if (entry_length == domain_length)
        return strcmp(entry, domain) == 0;
    return entry_length < domain_length && domain[domain_length - entry_length - 1] == '.' &&
           strcmp(domain + domain_length - entry_length, entry) == 0;
}

gboolean dm_trust_list_is_active(const DmTrustList *list, const char *domain)
{
    g_autofree char *name = g_ascii_strdown(domain, -1);
    const DmTrustListDomain *best = NULL;
    gsize length = strlen(name);

    if (length > 0 && name[length - 1] == '.')
        name[length - 1] = '\0';
    for (guint i = 0; i < list->domains->len; i++) {
        const DmTrustListDomain *entry = g_ptr_array_index(list->domains, i);
        if (covers(entry->name, name) && (best == NULL || strlen(entry->name) > strlen(best->name)))
            best = entry;
    }
    return best != NULL && best->active;
}

X509 *dm_trust_list_signer(const char *file, GError **error)
{
    BIO *bio = BIO_new_file(file, "r");
    if (bio == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "%s: %s; put the certificate there", file, g_strerror(errno));
        ERR_clear_error();
        return NULL;
    }

    X509 *certificate = PEM_read_bio_X509(bio, NULL, dm_certificate_no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (certificate == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: holds no certificate in PEM form; put it there", file);
    return certificate;
}
