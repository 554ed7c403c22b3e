/*
 * Certificates of providers' seals: X-de-mail-signature-certificate (PVD IO 3.1.14) and what a certificate says of
 * itself. Pure; any thread.
 */
#ifndef DEMAIL_STANDARD_CERTIFICATE_H
#define DEMAIL_STANDARD_CERTIFICATE_H

#include <glib.h>
#include <openssl/x509.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

/* Reads base64, folded or not, of exactly one DER certificate; NULL if it is anything else. X509_free(). */
X509 *dm_certificate_read(const char *value);

/* The same as a value for the field, folded with "\n ", without leading blank; NULL if OpenSSL fails. g_free(). */
char *dm_certificate_format(X509 *certificate);

/* The subject (RFC 2253), UTF-8. g_free(). */
char *dm_certificate_subject(const X509 *certificate);

/* Whether `at` (seconds since 1970) is within its validity. */
gboolean dm_certificate_valid_at(const X509 *certificate, gint64 at);

/* Whether its key usage, if it has one, lets it sign: digitalSignature or nonRepudiation. */
gboolean dm_certificate_may_sign(X509 *certificate);

/* Whether it states QcCompliance (ETSI EN 319 412-5). */
gboolean dm_certificate_is_qualified(const X509 *certificate);

/* Whether its key is shorter than the standard wants: RSA below 3000 bits, EC below 250 (TR-03116-4). */
gboolean dm_certificate_key_is_short(const X509 *certificate);

/* A pem_password_cb: a file that wants a passphrase is none of ours, and OpenSSL would ask on the terminal. */
int dm_certificate_no_passphrase(char *buffer, int size, int writing, void *data);

#endif
