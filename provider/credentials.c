#include "provider/credentials.h"

#include "common/log.h"
#include "common/secret.h"
#include "provider/drivers.h"
#include "standard/trust_list.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPIRY_WARNING (30 * 24 * 3600) /* seconds */

/* Collects what is wrong. */
typedef struct {
    GPtrArray *problems;
    GError **first;
} Report;

static void report(Report *to, GError *error)
{
    g_ptr_array_add(to->problems, g_strdup(error->message));
    if (to->first && !*to->first)
        *to->first = error;
    else
        g_error_free(error);
}

/* Without asking anybody for a pass phrase. */
static int no_pass_phrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static X509 *read_certificate(const DmProviderConfig *provider, GError **error)
{
    BIO *file = BIO_new_file(provider->client_cert, "r");
    X509 *certificate = NULL;

    if (!file) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT,
                    "[provider %s] client_cert %s: can't be read: %s; name a PEM "
                    "file that the program's user may read",
                    provider->name, provider->client_cert, g_strerror(errno));
    } else {
        certificate = PEM_read_bio_X509(file, NULL, no_pass_phrase, NULL);
        if (!certificate)
            g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                        "[provider %s] client_cert %s: holds no certificate; it must "
                        "be PEM",
                        provider->name, provider->client_cert);
    }
    BIO_free(file);
    ERR_clear_error();
    return certificate;
}

static EVP_PKEY *read_key(const DmProviderConfig *provider, GError **error)
{
    gsize length;
    char *pem = dm_secret_read(provider->client_key, "client_key", &length, error);
    EVP_PKEY *key = NULL;
    BIO *memory;

    if (!pem)
        return NULL;
    memory = BIO_new_mem_buf(pem, (int)length);
    if (memory)
        key = PEM_read_bio_PrivateKey(memory, NULL, no_pass_phrase, NULL);
    BIO_free(memory);
    dm_secret_free(pem, length);
    ERR_clear_error();
    if (!key)
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "[provider %s] client_key %s: holds no private key; it must be "
                    "PEM without a pass phrase",
                    provider->name, provider->client_key);
    return key;
}

/* The date as "2026-11-22 14:30 UTC". Free with g_free(). */
static char *format_date(const ASN1_TIME *date)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(date, &tm) != 1)
        return g_strdup("an unreadable date");
    return g_strdup_printf("%04d-%02d-%02d %02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                           tm.tm_min);
}

static gboolean check_dates(const DmProviderConfig *provider, const X509 *certificate, GError **error)
{
    g_autofree char *begin = format_date(X509_get0_notBefore(certificate));
    g_autofree char *end = format_date(X509_get0_notAfter(certificate));
    time_t soon = time(NULL) + (time_t)EXPIRY_WARNING;

    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "[provider %s] client_cert %s: expired on %s; have the provider "
                    "issue a new one",
                    provider->name, provider->client_cert, end);
        return FALSE;
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "[provider %s] client_cert %s: not valid before %s; check this "
                    "machine's clock",
                    provider->name, provider->client_cert, begin);
        return FALSE;
    }
    if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) < 0)
        dm_log(DM_LOG_WARNING, "certificate-expires", DM_S("provider", provider->name),
               DM_S("file", provider->client_cert), DM_S("date", end));
    return TRUE;
}

static void check_certificate(const DmProviderConfig *provider, Report *to)
{
    GError *error = NULL;
    X509 *certificate = read_certificate(provider, &error);
    EVP_PKEY *key;

    if (!certificate || !check_dates(provider, certificate, &error))
        report(to, g_steal_pointer(&error));
    key = read_key(provider, &error);
    if (!key) {
        report(to, g_steal_pointer(&error));
    } else if (certificate && X509_check_private_key(certificate, key) != 1) {
        report(to, g_error_new(DM_ERROR, DM_ERROR_CONFIG,
                               "[provider %s] client_key %s: does not belong to client_cert "
                               "%s; name the key that the certificate was issued for",
                               provider->name, provider->client_key, provider->client_cert));
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
}

static void check_secret(const char *path, const char *what, Report *to)
{
    GError *error = NULL;
    gsize length;
    char *secret = dm_secret_read(path, what, &length, &error);

    if (secret)
        dm_secret_free(secret, length);
    else
        report(to, error);
}

static void check_provider(const DmProviderConfig *provider, Report *to)
{
    if (!dm_provider_driver(provider->driver))
        report(to, g_error_new(DM_ERROR, DM_ERROR_CONFIG,
                               "[provider %s] driver: there is no driver %s; the one there "
                               "is rest",
                               provider->name, provider->driver));
    if (provider->ca_file[0] != '\0' && g_access(provider->ca_file, R_OK) != 0)
        report(to, g_error_new(DM_ERROR, DM_ERROR_NOINPUT,
                               "[provider %s] ca_file %s: %s; name a PEM file that the "
                               "program's user may read",
                               provider->name, provider->ca_file, g_strerror(errno)));
    check_certificate(provider, to);
    check_secret(provider->password_file, "password_file", to);
}

static void check_trust_list(const DmConfig *config, Report *to)
{
    GError *error = NULL;

    if (config->trust_list_url[0] == '\0')
        return;
    X509 *signer = dm_trust_list_signer(config->trust_list_signer, &error);
    if (!signer) {
        g_prefix_error(&error, "[gateway] trust_list_signer ");
        report(to, error);
    }
    X509_free(signer);
    if (config->trust_list_ca_file[0] != '\0' && g_access(config->trust_list_ca_file, R_OK) != 0)
        report(to, g_error_new(DM_ERROR, DM_ERROR_NOINPUT,
                               "[gateway] trust_list_ca_file %s: %s; name a PEM file that the program's user may read",
                               config->trust_list_ca_file, g_strerror(errno)));
}

static void check_state_dir(const char *dir, Report *to)
{
    GStatBuf info;

    if (g_stat(dir, &info) != 0)
        report(to, g_error_new(DM_ERROR, DM_ERROR_NOINPUT,
                               "[gateway] state_dir %s: %s; make the folder and give it to "
                               "the program's user",
                               dir, g_strerror(errno)));
    else if (!S_ISDIR(info.st_mode) || g_access(dir, W_OK | X_OK) != 0)
        report(to, g_error_new(DM_ERROR, DM_ERROR_NOPERM,
                               "[gateway] state_dir %s: the program's user can't write "
                               "there; give the folder to that user with chown(1)",
                               dir));
}

gboolean dm_credentials_check(const DmConfig *config, GPtrArray *problems, GError **first)
{
    Report to = {problems, first};
    guint before = problems->len;

    for (guint i = 0; i < config->providers->len; i++)
        check_provider(g_ptr_array_index(config->providers, i), &to);
    check_state_dir(config->state_dir, &to);
    check_trust_list(config, &to);
    return problems->len == before;
}
