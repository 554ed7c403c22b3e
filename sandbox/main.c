/*
 * demail-sandbox: a De-Mail provider for trials and tests.
 */
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/program.h"
#include "sandbox/http.h"
#include "sandbox/sandbox_options.h"
#include "sandbox/seal_pki.h"
#include "standard/xml.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <hpdf.h>
#include <microhttpd.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xmlsec/version.h>

#define PROGRAM "demail-sandbox"

static void print_version(void)
{
    g_autofree char *libraries = g_strdup_printf(
        "libmicrohttpd %s, GnuTLS %s, OpenSSL %s, libxml2 %s, xmlsec1 %s, libharu %s, Jansson %s, GLib %u.%u.%u, GMime "
        "%d.%d.%d",
        MHD_get_version(), gnutls_check_version(NULL), OpenSSL_version(OPENSSL_VERSION_STRING), LIBXML_DOTTED_VERSION,
        XMLSEC_VERSION, HPDF_GetVersion(), jansson_version_str(), glib_major_version, glib_minor_version,
        glib_micro_version, GMIME_MAJOR_VERSION, GMIME_MINOR_VERSION, GMIME_MICRO_VERSION);
    dm_program_print_version(PROGRAM, libraries);
}

/* "127.0.0.1:8443" as the socket really has it. */
static char *socket_name(int fd, GError **error)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "--listen: the socket has no name");
        return NULL;
    }
    return g_strdup_printf(address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void announce(const char *name)
{
    fputs("This is a provider for trials and tests: nothing that it accepts is a De-Mail.\n", stderr);
    printf("listening on https://%s\n", name);
    fflush(stdout);
    dm_log(DM_LOG_INFO, "started", DM_S("address", name), DM_S("purpose", "trials and tests only"));
    dm_notify("READY=1");
}

/* Serves until SIGTERM or SIGINT. */
static gboolean serve(DmSandbox *sandbox, const DmSandboxOptions *options, const DmTls *tls, const sigset_t *end,
                      GError **error)
{
    g_autofree char *address = dm_sandbox_options_listen_address(options);
    int socket = dm_listen(address, 0, &(DmListenOwner){"", ""}, error);
    if (socket < 0)
        return FALSE;
    g_autofree char *name = socket_name(socket, error);
    if (!name) {
        close(socket);
        return FALSE;
    }
    DmHttp *http = dm_http_start(sandbox, socket, tls, error);
    if (!http)
        return FALSE;
    announce(name);
    int signal_number = 0;
    while (sigwait(end, &signal_number) == EINTR)
        continue;
    dm_log(DM_LOG_INFO, "stopping", DM_S("signal", strsignal(signal_number)));
    dm_store_stop(sandbox->store);
    dm_faults_stop(sandbox->faults);
    dm_http_stop(http);
    return TRUE;
}

static gboolean run(const DmSandboxOptions *options, const sigset_t *end, GError **error)
{
    DmTls tls;
    DmSandbox sandbox = {0};
    g_mutex_init(&sandbox.logins);
    gboolean done = FALSE;
    if (!dm_tls_load(&tls, options->certificate, options->key, options->client_ca, error))
        goto out;
    sandbox.accounts = dm_accounts_load(options->accounts, options->domain, error);
    if (!sandbox.accounts)
        goto out;
    sandbox.store = dm_store_open(options->state, error);
    if (!sandbox.store)
        goto out;
    if (!dm_seal_pki_ensure(options->state, error))
        goto out;
    sandbox.seal = dm_seal_open(options->state, options->seal, error);
    if (!sandbox.seal)
        goto out;
    sandbox.sessions = dm_sessions_new(options->session_seconds);
    sandbox.faults = dm_faults_new();
    done = serve(&sandbox, options, &tls, end, error);
out:
    dm_faults_free(sandbox.faults);
    dm_sessions_free(sandbox.sessions);
    dm_seal_free(sandbox.seal);
    dm_store_close(sandbox.store);
    dm_accounts_free(sandbox.accounts);
    dm_tls_clear(&tls);
    g_mutex_clear(&sandbox.logins);
    return done;
}

int main(int argc, char **argv)
{
    DmSandboxOptions options;
    g_autoptr(GError) error = NULL;
    if (!dm_sandbox_options_read(&options, &argc, &argv, &error)) {
        dm_sandbox_options_clear(&options);
        return dm_program_fail(PROGRAM, error);
    }
    if (options.show_version) {
        print_version();
        dm_sandbox_options_clear(&options);
        return 0;
    }
    dm_log_open(PROGRAM, options.foreground, options.verbose);
    dm_program_block_signals();
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    pthread_sigmask(SIG_BLOCK, &end, NULL);
    g_mime_init();
    gboolean done = dm_xml_start(&error);
    if (done) {
        done = run(&options, &end, &error);
        dm_xml_stop();
    }
    g_mime_shutdown();
    dm_sandbox_options_clear(&options);
    return done ? 0 : dm_program_fail(PROGRAM, error);
}
