#include "sandbox/tls.h"

#include "common/secret.h"

#include <gnutls/x509.h>
#include <string.h>

static char *read_pem(const char *option, const char *file, GError **error)
{
    char *text = NULL;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(file, &text, NULL, &cause))
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "%s: %s; name a readable PEM file", option, cause->message);
    return text;
}

static gnutls_datum_t datum(char *text, gsize length)
{
    return (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned int)length};
}

static gboolean check(const DmTls *tls, const char *certificate_file, const char *key_file, const char *client_ca_file,
                      GError **error)
{
    gnutls_certificate_credentials_t credentials;
    int result = gnutls_certificate_allocate_credentials(&credentials);
    if (result < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "GnuTLS: %s", gnutls_strerror(result));
        return FALSE;
    }
    gnutls_datum_t certificate = datum(tls->certificate, strlen(tls->certificate));
    gnutls_datum_t key = datum(tls->key, tls->key_length);
    gnutls_datum_t client_ca = datum(tls->client_ca, strlen(tls->client_ca));
    result = gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    if (result < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                    "--cert %s, --key %s: %s; name a PEM certificate and its private key", certificate_file, key_file,
                    gnutls_strerror(result));
    int authorities =
        result < 0 ? 0 : gnutls_certificate_set_x509_trust_mem(credentials, &client_ca, GNUTLS_X509_FMT_PEM);
    if (result >= 0 && authorities <= 0)
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "--client-ca %s: no certificate in it; name a PEM file of CAs",
                    client_ca_file);
    gnutls_certificate_free_credentials(credentials);
    return result >= 0 && authorities > 0;
}

gboolean dm_tls_load(DmTls *tls, const char *certificate_file, const char *key_file, const char *client_ca_file,
                     GError **error)
{
    *tls = (DmTls){0};
    tls->certificate = read_pem("--cert", certificate_file, error);
    tls->key = tls->certificate ? dm_secret_read(key_file, "--key", &tls->key_length, error) : NULL;
    tls->client_ca = tls->key ? read_pem("--client-ca", client_ca_file, error) : NULL;
    return tls->client_ca && check(tls, certificate_file, key_file, client_ca_file, error);
}

void dm_tls_clear(DmTls *tls)
{
    g_free(tls->certificate);
    dm_secret_free(tls->key, tls->key_length);
    g_free(tls->client_ca);
    *tls = (DmTls){0};
}

char *dm_tls_peer_problem(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned int status = 0;
    unsigned int count = 0;
    if (!gnutls_certificate_get_peers(session, &count) || count == 0)
        return g_strdup("a client certificate is needed");
    int result = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (result < 0)
        return g_strdup_printf("the client certificate can't be verified: %s", gnutls_strerror(result));
    if (status == 0)
        return NULL;
    gnutls_datum_t text;
    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
        return g_strdup("the client certificate is not valid");
    g_autofree char *reason = g_strndup((const char *)text.data, text.size);
    gnutls_free(text.data);
    return g_strdup_printf("the client certificate is not valid: %s", g_strchomp(reason));
}
