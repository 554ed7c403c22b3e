/*
 * The command line of demail-sandbox(8).
 */
#ifndef DEMAIL_SANDBOX_SANDBOX_OPTIONS_H
#define DEMAIL_SANDBOX_SANDBOX_OPTIONS_H

#include "common/error.h"
#include "sandbox/seal.h"

#include <glib.h>

typedef struct {
    char *listen; /* HOST:PORT */
    char *state;
    char *accounts;
    char *certificate;
    char *key;
    char *client_ca;
    char *domain;
    DmSealAlgorithm seal;
    gint session_seconds;
    gboolean foreground;
    gboolean verbose;
    gboolean show_version;
} DmSandboxOptions;

/* DM_ERROR_USAGE names the option that is missing or wrong. */
gboolean dm_sandbox_options_read(DmSandboxOptions *options, int *argc, char ***argv, GError **error);
void dm_sandbox_options_clear(DmSandboxOptions *options);

/* `options->listen` as dm_listen() wants it. Free with g_free(). */
char *dm_sandbox_options_listen_address(const DmSandboxOptions *options);

#endif
