/*
 * Keys and certificates of the sandbox, and the question whether a client showed a certificate of its own.
 */
#ifndef DEMAIL_SANDBOX_TLS_H
#define DEMAIL_SANDBOX_TLS_H

#include "common/error.h"

#include <glib.h>
#include <gnutls/gnutls.h>

typedef struct {
    char *certificate; /* PEM, the chain */
    char *key;         /* PEM */
    gsize key_length;
    char *client_ca; /* PEM */
} DmTls;

/* Reads the three files and makes sure that they can be used. DM_ERROR_NOINPUT, DM_ERROR_NOPERM or DM_ERROR_CONFIG. */
gboolean dm_tls_load(DmTls *tls, const char *certificate_file, const char *key_file, const char *client_ca_file,
                     GError **error);
void dm_tls_clear(DmTls *tls);

/* NULL if the peer of this session has shown a certificate that a client CA vouches for; else why not (g_free). */
char *dm_tls_peer_problem(gnutls_session_t session);

#endif
