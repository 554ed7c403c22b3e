#include "sandbox/sandbox_options.h"

#define DEFAULT_DOMAIN  "de-mail.example"
#define DEFAULT_SECONDS 3600

static gboolean parse(DmSandboxOptions *options, int *argc, char ***argv, GError **error)
{
    g_autofree char *seal = NULL;
    const GOptionEntry entries[] = {
        {"listen", 0, 0, G_OPTION_ARG_STRING, &options->listen, "Where to serve; port 0: any free one", "HOST:PORT"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &options->state, "Directory of messages and results", "DIR"},
        {"accounts", 0, 0, G_OPTION_ARG_FILENAME, &options->accounts, "Accounts, JSON", "FILE"},
        {"cert", 0, 0, G_OPTION_ARG_FILENAME, &options->certificate, "Server certificate", "PEM"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &options->key, "Its private key", "PEM"},
        {"client-ca", 0, 0, G_OPTION_ARG_FILENAME, &options->client_ca, "CAs of client certificates", "PEM"},
        {"domain", 0, 0, G_OPTION_ARG_STRING, &options->domain, "The provider's De-Mail domain", "DOMAIN"},
        {"seal", 0, 0, G_OPTION_ARG_STRING, &seal, "Algorithms of seals, as in a=", "HASH/SIGNATURE"},
        {"session-seconds", 0, 0, G_OPTION_ARG_INT, &options->session_seconds, "Lifetime of a session", "N"},
        {"foreground", 'f', 0, G_OPTION_ARG_NONE, &options->foreground, "Log to standard error", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Log debug lines too", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->show_version, "Show versions and exit", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- a De-Mail provider for trials and tests");
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) cause = NULL;
    if (!g_option_context_parse(context, argc, argv, &cause)) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "%s; --help lists the options", cause->message);
        return FALSE;
    }
    if (dm_seal_algorithm_parse(seal ? seal : DM_SEAL_ALGORITHM_DEFAULT, &options->seal))
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_USAGE,
                "--seal %s: no such algorithms; give sha256, sha384 or sha512, then /rsa, /ec-dsa or /rsassa-pss",
                seal);
    return FALSE;
}

static gboolean check(const DmSandboxOptions *options, int argc, char **argv, GError **error)
{
    const struct {
        const char *name;
        const char *value;
    } needed[] = {
        {"--listen", options->listen},    {"--state", options->state}, {"--accounts", options->accounts},
        {"--cert", options->certificate}, {"--key", options->key},     {"--client-ca", options->client_ca},
    };
    if (argc > 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "argument %s: not expected; --help lists the options", argv[1]);
        return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (!needed[i].value) {
            g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "%s is missing; --help lists the options", needed[i].name);
            return FALSE;
        }
    }
    if (options->session_seconds < 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE, "--session-seconds must be at least 1");
        return FALSE;
    }
    return TRUE;
}

gboolean dm_sandbox_options_read(DmSandboxOptions *options, int *argc, char ***argv, GError **error)
{
    *options = (DmSandboxOptions){.session_seconds = DEFAULT_SECONDS};
    if (!parse(options, argc, argv, error))
        return FALSE;
    if (!options->domain)
        options->domain = g_strdup(DEFAULT_DOMAIN);
    return options->show_version || check(options, *argc, *argv, error);
}

void dm_sandbox_options_clear(DmSandboxOptions *options)
{
    g_free(options->listen);
    g_free(options->state);
    g_free(options->accounts);
    g_free(options->certificate);
    g_free(options->key);
    g_free(options->client_ca);
    g_free(options->domain);
    *options = (DmSandboxOptions){0};
}

char *dm_sandbox_options_listen_address(const DmSandboxOptions *options)
{
    return g_strconcat(options->listen[0] == '[' ? "inet6:" : "inet:", options->listen, NULL);
}
