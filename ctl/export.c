#include "common/program.h"
#include "ctl/command.h"
#include "ctl/export_account.h"
#include "ctl/export_progress.h"
#include "ctl/export_summary.h"
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CONNECTIONS      4
#define CONNECTIONS_MAX  16
#define PATIENCE_SECONDS 600
#define PATIENCE_MAX     (7 * 86400)

typedef struct {
    char *tenant;
    char *folder; /* as written */
    char *format;
    char *out;
    int connections;
    int patience; /* seconds */
    gboolean yes;
    gboolean verify_only;
    gboolean json;
    char **folders;
} Options;

static void clear_options(Options *options)
{
    g_free(options->tenant);
    g_free(options->folder);
    g_free(options->format);
    g_free(options->out);
    g_strfreev(options->folders);
}

static gboolean is_folder(const char *name)
{
    return strcmp(name, "inbox") == 0 || strcmp(name, "sent") == 0;
}

static const char *check_folders(char *const *folders)
{
    for (guint i = 0; folders[i] != NULL; i++) {
        if (!is_folder(folders[i]) || g_strv_contains((const char *const *)folders + i + 1, folders[i]))
            return "export: --folder is inbox, sent or inbox,sent";
    }
    return folders[0] != NULL ? NULL : "export: --folder is inbox, sent or inbox,sent";
}

/* What is wrong with the options, or NULL. */
static const char *check_options(Options *options, int argc)
{
    const char *format = options->format != NULL ? options->format : "mbox";

    options->folders = g_strsplit(options->folder != NULL ? options->folder : "inbox,sent", ",", -1);
    if (argc != 1)
        return "export: takes no operand; name the folder with --out";
    if (options->out == NULL)
        return "export: --out DIR is needed";
    if (options->tenant == NULL && !options->verify_only)
        return "export: --tenant NAME is needed";
    if (strcmp(format, "mbox") != 0 && strcmp(format, "eml") != 0)
        return "export: --format is mbox or eml";
    if (options->connections < 1 || options->connections > CONNECTIONS_MAX)
        return "export: --connections is 1 to 16";
    if (options->patience < 1 || options->patience > PATIENCE_MAX)
        return "export: --patience is 1 to 604800 seconds";
    return check_folders(options->folders);
}

typedef struct {
    DmExportStop *stop;
    DmProgress progress;
} Reading;

static gboolean has_read(gint64 size, gpointer data)
{
    Reading *reading = data;

    dm_progress_add(&reading->progress, size);
    return !dm_export_stop_wanted(reading->stop, 0);
}

/* Reads everything back from the disk. */
static gboolean read_back(int dir, DmManifest *manifest, DmExportStop *stop, DmExportSummary *summary, GError **error)
{
    Reading reading = {.stop = stop};

    summary->counts = dm_manifest_counts(manifest);
    dm_progress_begin(&reading.progress, "check", summary->counts.messages, summary->counts.bytes);
    gboolean done = dm_export_check(dir, manifest, has_read, &reading, &summary->checked, error);
    dm_progress_clear(&reading.progress);
    summary->read_back = done && !stop->wanted;
    summary->stopped = stop->wanted;
    return done || stop->wanted;
}

static void tell_of_login(const DmTenantConfig *tenant)
{
    g_autofree char *line = g_strdup_printf(
        "export: note: this logs in to %s; where the provider grants auth level high, that counts as retrieval, and "
        "confirmations of it go out",
        tenant->account);

    dm_output_complain(line);
}

static void tell_of_beginning(const DmTenantConfig *tenant, gboolean made, gint64 cut)
{
    if (made)
        tell_of_login(tenant);
    if (cut > 0) {
        g_autofree char *line = g_strdup_printf(
            "export: cut off %" G_GINT64_FORMAT " bytes that were not complete when it was interrupted", cut);
        dm_output_complain(line);
    }
}

/* Takes everything out, and reads it back. */
static gboolean export_into(const DmExportAccount *account, const Options *options, DmExportFolder *folder,
                            DmExportStop *stop, DmExportOutcome *outcome, DmExportSummary *summary, GError **error)
{
    const DmFetcher fetcher = {account->driver, account->provider, account->trust, dm_export_folder_dir(folder),
                               g_strcmp0(options->format, "eml") == 0};
    const DmExportPlan plan = {&fetcher,          folder, options->folders, (guint)options->connections,
                               options->patience, stop};
    DmManifest *manifest = dm_export_folder_manifest(folder);
    gboolean done = dm_export_run(&plan, outcome, error);

    summary->counts = dm_manifest_counts(manifest);
    summary->stopped = outcome->stopped;
    if (!done)
        return outcome->stopped;
    return read_back(fetcher.dir, manifest, stop, summary, error);
}

static int export_account(DmExportAccount *account, const Options *options, GError **error)
{
    const DmTenantConfig *tenant = account->tenant;
    const DmManifestHead head = {tenant->name, tenant->account, tenant->provider_name,
                                 g_strcmp0(options->format, "eml") != 0};
    DmExportSummary summary = {.name = tenant->name};
    DmExportOutcome outcome = {0};
    DmExportStop stop = {.fd = -1};
    gboolean made = FALSE;
    gint64 cut = 0;
    int exit_code = EX_OK;

    if (!dm_export_stop_open(&stop, error))
        return EX_OSERR;
    g_autoptr(DmExportFolder) folder =
        dm_export_folder_open(g_steal_fd(&account->out), &head, options->folders, &made, &cut, error);
    if (folder != NULL) {
        tell_of_beginning(tenant, made, cut);
        summary.outcome = &outcome;
        if (export_into(account, options, folder, &stop, &outcome, &summary, error))
            exit_code = dm_export_summary(&summary, options->json);
        dm_export_outcome_clear(&outcome);
    }
    dm_export_stop_close(&stop);
    return exit_code;
}

static int run(const DmCtl *ctl, const Options *options)
{
    DmExportAccount account;
    g_autoptr(GError) error = NULL;
    int exit_code = EX_OK;

    if (!dm_export_account_load(ctl, options->tenant, &account, &exit_code)) {
        dm_export_account_close(&account);
        return exit_code;
    }
    if (!account.tenant->poll && !options->yes)
        g_set_error(&error, DM_ERROR, DM_ERROR_USAGE,
                    "tenant %s has poll = no, and this login may count as retrieval of all that lies there; give --yes "
                    "if that is meant",
                    account.tenant->name);
    else if (dm_export_account_open(&account, options->out, &error))
        exit_code = export_account(&account, options, &error);
    if (error != NULL) {
        g_autofree char *line = g_strdup_printf("export: %s", error->message);
        dm_output_complain(line);
        exit_code = dm_error_exit_code(error);
    }
    dm_export_account_close(&account);
    return exit_code;
}

static int verify_only(const Options *options)
{
    DmExportSummary summary = {.name = options->out};
    DmExportStop stop = {.fd = -1};
    g_autoptr(GError) error = NULL;
    g_autoptr(DmManifest) manifest = NULL;
    int exit_code = EX_OK;
    int dir = open(options->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        g_set_error(&error, DM_ERROR, DM_ERROR_NOINPUT, "--out %s: %s; name the folder of an export", options->out,
                    g_strerror(errno));
    else if (dm_program_become_owner(options->out, &error) && dm_export_stop_open(&stop, &error))
        manifest = dm_manifest_open(dir, NULL, NULL, &error);
    if (manifest != NULL && read_back(dir, manifest, &stop, &summary, &error))
        exit_code = dm_export_summary(&summary, options->json);
    if (error != NULL) {
        g_autofree char *line = g_strdup_printf("export: %s", error->message);
        dm_output_complain(line);
        exit_code = dm_error_exit_code(error);
    }
    dm_export_stop_close(&stop);
    if (dir >= 0)
        close(dir);
    return exit_code;
}

int dm_ctl_export(const DmCtl *ctl, int argc, char **argv)
{
    Options options = {.connections = CONNECTIONS, .patience = PATIENCE_SECONDS, .json = ctl->json};
    const GOptionEntry entries[] = {
        {"tenant", 0, 0, G_OPTION_ARG_STRING, &options.tenant, "Whose account", "NAME"},
        {"folder", 0, 0, G_OPTION_ARG_STRING, &options.folder, "inbox, sent or inbox,sent", "LIST"},
        {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, "mbox or eml", "FORMAT"},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "The folder to fill", "DIR"},
        {"connections", 0, 0, G_OPTION_ARG_INT, &options.connections, "Messages to fetch at the same time", "N"},
        {"patience", 0, 0, G_OPTION_ARG_INT, &options.patience, "How long to try without success", "SECONDS"},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &options.yes, "Also where poll = no", NULL},
        {"verify-only", 0, 0, G_OPTION_ARG_NONE, &options.verify_only, "Only read the folder back", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_USAGE;

    if (dm_ctl_options("export", "", entries, &argc, &argv)) {
        const char *problem = check_options(&options, argc);

        if (problem != NULL)
            dm_output_complain(problem);
        else
            exit_code = options.verify_only ? verify_only(&options) : run(ctl, &options);
    }
    clear_options(&options);
    return exit_code;
}
