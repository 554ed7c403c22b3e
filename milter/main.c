#include "common/gateway.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/metrics_file.h"
#include "common/program.h"
#include "milter/counts.h"
#include "milter/server.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <lmdb.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define NAME  "demail-milter"
#define NEEDS (DM_GATEWAY_POLICY | DM_GATEWAY_STAMP)

static void print_version(void)
{
    unsigned int major = 0;
    unsigned int minor = 0;
    unsigned int patch = 0;

    smfi_version(&major, &minor, &patch);
    g_autofree char *libraries =
        g_strdup_printf("libmilter %u.%u.%u, %s, GLib %u.%u.%u, GMime %u.%u.%u", major, minor, patch,
                        mdb_version(NULL, NULL, NULL), glib_major_version, glib_minor_version, glib_micro_version,
                        gmime_major_version, gmime_minor_version, gmime_micro_version);
    dm_program_print_version(NAME, libraries);
}

/* Reports every problem on a line of its own; the exit code is that of the first. */
static DmGateway *open_gateway(const DmProgram *program, int *exit_code)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) first = NULL;
    DmGateway *gateway = dm_gateway_open(program->config_file, NEEDS, problems, &first);

    for (guint i = 0; gateway == NULL && i < problems->len; i++)
        dm_program_complain(NAME, g_ptr_array_index(problems, i));
    if (gateway == NULL)
        *exit_code = first != NULL ? dm_error_exit_code(first) : EX_CONFIG;
    return gateway;
}

static void on_ready(gpointer data)
{
    const DmProgram *program = data;
    g_autoptr(DmGateway) gateway = dm_gateway_current();

    dm_log(DM_LOG_INFO, "started", DM_S("version", DEMAIL_VERSION), DM_S("socket", gateway->config->milter.socket),
           DM_S("config", program->config_file), DM_N("tenants", gateway->config->tenants->len));
}

static void remove_socket(const DmListener *listener)
{
    const char *path = dm_listener_path(listener);

    if (path != NULL && unlink(path) != 0 && errno != ENOENT)
        dm_log(DM_LOG_WARNING, "socket-left", DM_S("socket", path), DM_S("reason", g_strerror(errno)));
}

/* Serves until told to stop. */
static int serve_opened(const DmProgram *program, DmListener *listener, DmGateway *gateway)
{
    g_autoptr(GError) error = NULL;
    int exit_code = EX_OK;

    dm_counts_attach(gateway, NULL);
    dm_gateway_set_current(gateway);
    DmMetricsWriter *metrics = dm_metrics_writer_start(gateway->metrics, gateway->config->milter.metrics_file);
    DmServerEnd end = dm_server_run(listener, NEEDS, on_ready, (gpointer)program, &error);
    guint sessions = dm_listener_sessions(listener);
    dm_metrics_writer_stop(metrics);

    switch (end) {
    case DM_SERVER_ENDED:
    case DM_SERVER_UNFINISHED:
        dm_log(DM_LOG_INFO, "stopped", DM_N("sessions", sessions));
        break;
    case DM_SERVER_FAILED:
        dm_log(DM_LOG_ERROR, "stopped", DM_N("sessions", sessions), DM_S("reason", error->message));
        exit_code = EX_SOFTWARE;
        break;
    }
    if (end == DM_SERVER_ENDED)
        return exit_code;
    /* Threads may use what would be freed. */
    remove_socket(listener);
    _exit(exit_code);
}

static int serve(const DmProgram *program, const DmConfig *config)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmGateway) own = NULL;
    DmListener listener;
    int exit_code = EX_OK;

    dm_program_block_signals();
    if (!dm_listener_open(&listener, config, &error))
        return dm_program_fail(NAME, error);
    if (!dm_program_drop_privileges(config->milter.user, config->milter.group, &error))
        exit_code = dm_program_fail(NAME, error);
    else if ((own = open_gateway(program, &exit_code)) != NULL) /* as the user who will read it at every reload */
        exit_code = serve_opened(program, &listener, own);
    remove_socket(&listener);
    return exit_code;
}

/* As the user who will read it at every reload. */
static int check(const DmProgram *program, const DmConfig *config)
{
    g_autoptr(GError) error = NULL;
    int exit_code = EX_OK;

    if (g_str_has_prefix(config->milter.socket, "unix:") && !dm_listen_check_group(config->milter.socket_group, &error))
        return dm_program_fail(NAME, error);
    if (!dm_program_drop_privileges(config->milter.user, config->milter.group, &error))
        return dm_program_fail(NAME, error);
    g_autoptr(DmGateway) own = open_gateway(program, &exit_code);
    if (own != NULL)
        printf("%s: %s is good\n", NAME, program->config_file);
    return exit_code;
}

static int run(const DmProgram *program)
{
    int exit_code = EX_OK;

    dm_log_open(NAME, program->foreground || program->check_only, program->verbose);
    g_autoptr(DmGateway) gateway = open_gateway(program, &exit_code);
    if (gateway == NULL)
        return exit_code;
    return program->check_only ? check(program, gateway->config) : serve(program, gateway->config);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    DmProgram program;

    dm_program_share_memory();
    if (!dm_program_options(&program, NULL, &argc, &argv, &error)) {
        fprintf(stderr, "%s: %s\n", NAME, error->message);
        return EX_USAGE;
    }
    g_mime_init();
    int exit_code = EX_OK;
    if (program.show_version)
        print_version();
    else if (!dm_program_hide_memory(&error))
        exit_code = dm_program_fail(NAME, error);
    else
        exit_code = run(&program);
    dm_gateway_set_current(NULL);
    g_mime_shutdown();
    dm_program_clear(&program);
    return exit_code;
}
