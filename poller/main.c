/*
 * demail-poller: sends what the MTA hands over by LMTP, and fetches what came in.
 */
#include "common/activation.h"
#include "common/gateway.h"
#include "common/journal.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/program.h"
#include "common/step.h"
#include "common/watchdog.h"
#include "poller/anchors.h"
#include "poller/archives.h"
#include "poller/channel.h"
#include "poller/deliver.h"
#include "poller/housekeeping.h"
#include "poller/lmtp_server.h"
#include "poller/poll.h"
#include "poller/pulse.h"
#include "poller/receive_file.h"
#include "poller/trust_keeper.h"
#include "poller/watch.h"
#include "provider/credentials.h"
#include "provider/libraries.h"
#include "standard/xml.h"

#include <curl/curl.h>
#include <errno.h>
#include <glib-unix.h>
#include <gmime/gmime.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM             "demail-poller"
#define POLL_STOP_SECONDS   15U
#define SUBMIT_STOP_SECONDS 30U
#define MEMORY_SECONDS      10U /* between the times at which free memory is given back */

typedef struct {
    DmJournal *journal;
    DmArchives *archives;
    DmChannels *channels;
    DmSubmitter *submitter;
    DmDelivery delivery;
    DmLmtpService service;
    DmLmtpServer *server;
    DmPulse *pulse;
    DmPolls *polls;
    DmHousekeeping *housekeeping;
    DmTrustKeeper *trust_keeper;
    DmWatch *watch;
    GMainLoop *loop;
} Poller;

static void print_version(void)
{
    g_autofree char *libraries = g_strdup_printf(
        "GLib %u.%u.%u, GMime %u.%u.%u, %s, Jansson %s", glib_major_version, glib_minor_version, glib_micro_version,
        gmime_major_version, gmime_minor_version, gmime_micro_version, curl_version(), jansson_version_str());

    dm_program_print_version(PROGRAM, libraries);
}

static int fail(GError *error)
{
    int code = dm_program_fail(PROGRAM, error);

    g_error_free(error);
    return code;
}

/* All problems, the first of them decides about the exit code. */
static int fail_all(const GPtrArray *problems, GError *first)
{
    int code = dm_error_exit_code(first);

    for (guint i = 0; i < problems->len; i++)
        dm_program_complain(PROGRAM, g_ptr_array_index(problems, i));
    g_error_free(first);
    return code;
}

/* Opens the configuration and all that it names, and makes it the current one. Returns an exit code. */
static int open_gateway(const char *file, gboolean with_credentials)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    GError *first = NULL;
    g_autoptr(DmGateway) gateway = dm_gateway_open(file, DM_GATEWAY_STAMP, problems, &first);

    gboolean good = gateway != NULL;

    if (good && with_credentials) {
        good = dm_credentials_check(gateway->config, problems, &first);
        good = dm_anchors_attach(gateway, problems, &first) && good;
        good = dm_archives_check(gateway->config, problems, &first) && good;
    }
    if (!good)
        return fail_all(problems, first);
    dm_gateway_set_current(gateway);
    return EX_OK;
}

/* A socket that nobody serves any more would only puzzle the administrator. Where the folder forbids to remove it, as
 * one of root's does, the next start does. */
static void remove_socket(const char *address)
{
    if (g_str_has_prefix(address, "unix:") && unlink(address + strlen("unix:")) != 0 && errno != ENOENT)
        dm_log(DM_LOG_DEBUG, "socket-left", DM_S("socket", address), DM_S("reason", g_strerror(errno)));
}

static gpointer open_session(gpointer data)
{
    return dm_deliver_session_new(data);
}

static void close_session(gpointer session)
{
    dm_deliver_session_free(session);
}

static gboolean on_stop(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

/* Messages leave holes, which under load would add up to a few megabytes within hours. */
static gboolean on_memory(gpointer data)
{
    (void)data;
    dm_program_return_memory();
    return G_SOURCE_CONTINUE;
}

static gboolean complete_gateway(DmGateway *gateway, GPtrArray *problems)
{
    gboolean good = dm_credentials_check(gateway->config, problems, NULL);

    good = dm_archives_check(gateway->config, problems, NULL) && good;
    return dm_anchors_attach(gateway, problems, NULL) && good;
}

static void update(Poller *poller)
{
    dm_polls_update(poller->polls);
    dm_housekeeping_update(poller->housekeeping);
    dm_trust_keeper_update(poller->trust_keeper);
    dm_watch_update(poller->watch);
}

static gboolean on_reload(gpointer data)
{
    Poller *poller = data;

    dm_notify_reloading();
    if (dm_gateway_reload(DM_GATEWAY_STAMP, complete_gateway) && poller->polls)
        update(poller);
    dm_notify("READY=1");
    return G_SOURCE_CONTINUE;
}

static gboolean start(Poller *poller, int fd, GError **error)
{
    g_autoptr(DmGateway) gateway = dm_gateway_current();
    g_autofree char *tmp = dm_receive_dir(gateway->config->state_dir, error);

    poller->journal = tmp ? dm_journal_open(gateway->config->state_dir, DM_JOURNAL_OWN, error) : NULL;
    poller->archives = dm_archives_new();
    if (!poller->journal || !dm_archives_open(poller->archives, gateway->config, error)) {
        close(fd);
        return FALSE;
    }
    poller->channels = dm_channels_new();
    poller->submitter = dm_submitter_new(poller->journal);
    poller->delivery = (DmDelivery){poller->channels, poller->submitter, poller->archives};
    poller->service = (DmLmtpService){.hostname = g_get_host_name(),
                                      .max_connections = gateway->config->poller.max_connections,
                                      .handlers = &dm_deliver_handlers,
                                      .open = open_session,
                                      .close = close_session,
                                      .data = &poller->delivery};
    poller->server = dm_lmtp_server_start(fd, &poller->service, error);
    if (!poller->server)
        return FALSE;
    poller->housekeeping =
        dm_housekeeping_start(poller->channels, poller->submitter, poller->journal, poller->archives);
    poller->polls = dm_polls_new(poller->channels, poller->journal, poller->archives);
    dm_polls_update(poller->polls);
    poller->trust_keeper = dm_trust_keeper_start();
    poller->watch = dm_watch_start(poller->channels, poller->journal);
    return TRUE;
}

/* FALSE if threads are still at work, which then use what is left. */
static gboolean stop(Poller *poller)
{
    dm_trust_keeper_stop(poller->trust_keeper);

    gboolean ended = !poller->polls || dm_polls_stop(poller->polls, POLL_STOP_SECONDS);

    ended = dm_housekeeping_stop(poller->housekeeping, POLL_STOP_SECONDS) && ended;
    ended = (!poller->server || dm_lmtp_server_stop(poller->server, SUBMIT_STOP_SECONDS)) && ended;
    dm_watch_stop(poller->watch);
    if (!ended)
        return FALSE;
    dm_submitter_free(poller->submitter);
    dm_channels_free(poller->channels);
    dm_archives_free(poller->archives);
    dm_journal_close(poller->journal);
    dm_gateway_set_current(NULL);
    return TRUE;
}

static int serve(int fd)
{
    Poller poller = {.loop = g_main_loop_new(NULL, FALSE)};
    GError *error = NULL;
    int code = EX_OK;
    const guint sources[] = {
        g_unix_signal_add(SIGTERM, on_stop, poller.loop), g_unix_signal_add(SIGINT, on_stop, poller.loop),
        g_unix_signal_add(SIGUSR1, on_reload, &poller), g_timeout_add_seconds(MEMORY_SECONDS, on_memory, NULL)};

    if (start(&poller, fd, &error)) {
        g_autoptr(DmGateway) gateway = dm_gateway_current();

        dm_log(DM_LOG_INFO, "started", DM_S("version", DEMAIL_VERSION), DM_S("lmtp", gateway->config->poller.lmtp));
        poller.pulse = dm_pulse_start(poller.server, dm_watchdog_interval());
        dm_notify("READY=1");
        g_main_loop_run(poller.loop);
        dm_pulse_stop(poller.pulse);
        dm_notify("STOPPING=1");
    } else {
        code = fail(error);
    }

    gboolean ended = stop(&poller);

    if (code == EX_OK)
        dm_log(ended ? DM_LOG_INFO : DM_LOG_WARNING, "stopped", DM_S("unfinished", ended ? NULL : "yes"));
    /* The journal knows what is under way; freeing it under the threads would not end well. */
    if (!ended)
        _exit(code);
    for (gsize i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    g_main_loop_unref(poller.loop);
    return code;
}

/* With the socket open, or -1 where only a check is wanted; owns it. */
static int run_as_user(const DmProgram *program, const DmConfig *config, int fd)
{
    GError *error = NULL;
    int code;

    if (!dm_program_drop_privileges(config->poller.user, config->poller.group, &error))
        code = fail(error);
    else /* Opened again by the user who will have to open it at every reload. */
        code = open_gateway(program->config_file, TRUE);
    if (code == EX_OK && !program->check_only)
        return serve(fd);
    if (fd >= 0)
        close(fd);
    return code;
}

/* The service manager's, or one of our own; -1 with `error` set. */
static int open_socket(const DmConfig *config, gboolean *handed_in, GError **error)
{
    const DmListenOwner owner = {config->poller.user, config->poller.socket_group};
    int fd = -1;

    if (!dm_activation_take(config->poller.lmtp, &fd, error))
        return -1;
    *handed_in = fd >= 0;
    return *handed_in ? fd : dm_listen(config->poller.lmtp, (mode_t)config->poller.socket_mode, &owner, error);
}

static int run(const DmProgram *program)
{
    GError *error = NULL;
    gboolean handed_in = FALSE;
    int fd = -1, code = open_gateway(program->config_file, FALSE);

    if (code != EX_OK)
        return code;

    g_autoptr(DmGateway) gateway = dm_gateway_current();
    const DmConfig *config = gateway->config;

    if (!dm_listen_check_group(config->poller.socket_group, &error))
        return fail(error);
    if (!program->check_only) {
        fd = open_socket(config, &handed_in, &error);
        if (fd < 0)
            return fail(error);
    }
    code = run_as_user(program, config, fd);
    if (program->check_only && code == EX_OK)
        printf("%s: %s is good\n", PROGRAM, program->config_file);
    if (fd >= 0 && !handed_in)
        remove_socket(config->poller.lmtp);
    return code;
}

static gboolean start_libraries(void)
{
    GError *error = NULL;

    g_mime_init();
    if (dm_provider_libraries_start(&error) && dm_xml_start(&error))
        return TRUE;
    fail(error);
    return FALSE;
}

static void stop_libraries(void)
{
    dm_xml_stop();
    dm_provider_libraries_stop();
    g_mime_shutdown();
}

int main(int argc, char **argv)
{
    DmProgram program;
    GError *error = NULL;
    int code;

    dm_program_share_memory();
    if (!dm_program_options(&program, NULL, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s\n", PROGRAM, error->message);
        g_error_free(error);
        return EX_USAGE;
    }
    if (program.show_version) {
        print_version();
        dm_program_clear(&program);
        return EX_OK;
    }
    if (!dm_program_hide_memory(&error) || !dm_step_start(&error))
        return fail(error);
    signal(SIGPIPE, SIG_IGN);
    dm_log_open(PROGRAM, program.foreground || program.check_only, program.verbose);
    if (!start_libraries())
        return EX_SOFTWARE;
    code = run(&program);
    dm_gateway_set_current(NULL);
    dm_program_clear(&program);
    stop_libraries();
    return code;
}
