#include "standard/verify.h"
#include "common/config.h"
#include "common/program.h"
#include "ctl/command.h"
#include "ctl/findings_json.h"
#include "ctl/output.h"
#include "standard/raw_header.h"
#include "standard/xml.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define NOT_VALID      1
#define STANDARD_INPUT "-"

typedef struct {
    char **ca_files;
    char **crl_files;
    char *at;
    char *original;
    gboolean json;
} Options;

typedef struct {
    DmTrust *trust;
    gint64 at;
    DmHeaders *original; /* or NULL */
    gboolean json;
} Task;

static void clear_options(Options *options)
{
    g_strfreev(options->ca_files);
    g_strfreev(options->crl_files);
    g_free(options->at);
    g_free(options->original);
}

static void clear_task(Task *task)
{
    dm_trust_free(task->trust);
    dm_headers_free(task->original);
}

/* A date is its first moment; without a zone it is local time. */
static gboolean parse_time(const char *text, gint64 *at)
{
    g_autoptr(GTimeZone) local = g_time_zone_new_local();
    g_autofree char *full = strpbrk(text, "T ") != NULL ? g_strdup(text) : g_strconcat(text, "T00:00:00", NULL);
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(full, local);

    if (time != NULL)
        *at = g_date_time_to_unix(time);
    return time != NULL;
}

/* Copies what can't be read twice, a pipe, to a file without a name. */
static int spool(int fd, GError **error)
{
    g_autofree char *name = g_build_filename(g_get_tmp_dir(), "demailctl-XXXXXX", NULL);
    int copy = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);

    if (copy < 0 || unlink(name) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "copying to %s: %s", name, g_strerror(errno));
        if (copy >= 0)
            close(copy);
        return -1;
    }
    g_autoptr(GInputStream) in = g_unix_input_stream_new(fd, FALSE);
    g_autoptr(GOutputStream) out = g_unix_output_stream_new(copy, FALSE);
    if (g_output_stream_splice(out, in, G_OUTPUT_STREAM_SPLICE_NONE, NULL, error) >= 0)
        return copy;
    close(copy);
    return -1;
}

static int open_message(const char *file, GError **error)
{
    struct stat status;
    gboolean standard_input = strcmp(file, STANDARD_INPUT) == 0;
    int fd = standard_input ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "%s", g_strerror(fd < 0 ? errno : EISDIR));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (S_ISREG(status.st_mode))
        return fd;
    int copy = spool(fd, error);
    close(fd);
    return copy;
}

static DmHeaders *read_original(const char *file, GError **error)
{
    g_autofree char *text = NULL;
    gsize length = 0;
    gsize header = 0;

    if (!g_file_get_contents(file, &text, &length, error))
        return NULL;
    if (dm_raw_header_end(text, length, &header) == 0)
        header = length;
    g_autoptr(DmRawHeader) raw = dm_raw_header_read(text, header, NULL);
    return dm_raw_header_decode(raw, error);
}

/* The trust that the command line names, else the configuration's, else none. A configuration that was named must be
 * there. */
static DmTrust *open_trust(const DmCtl *ctl, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmConfig) config = NULL;

    if (options->ca_files != NULL || options->crl_files != NULL)
        return dm_trust_new(options->ca_files, options->crl_files, error);
    if (g_file_test(ctl->config_file, G_FILE_TEST_EXISTS) || strcmp(ctl->config_file, DM_CONFIG_FILE) != 0)
        config = dm_config_load(ctl->config_file, problems);
    for (guint i = 0; i < problems->len; i++)
        dm_output_complain(g_ptr_array_index(problems, i));
    if (config == NULL)
        return dm_trust_new(NULL, NULL, error);
    return dm_trust_new(config->trust_anchors, config->crl_files, error);
}

static void print_json(const char *file, const DmFindings *findings)
{
    json_t *object = json_pack("{s:o}", "file", dm_findings_text(file));

    json_object_update_new(object, dm_findings_json(findings));
    dm_output_json_line(object);
}

static void print_plain(const char *file, const DmFindings *findings)
{
    g_autofree char *type =
        dm_output_plain(findings->message_type != NULL ? findings->message_type : "no message type");
    g_autofree char *algorithm = dm_output_plain(findings->algorithm != NULL ? findings->algorithm : "no algorithm");
    g_autofree char *signer = findings->signer != NULL ? dm_output_plain(findings->signer) : NULL;

    printf("%s: %s (%s, %s%s%s)", file, dm_findings_valid(findings) ? "valid" : "not valid", type, algorithm,
           signer != NULL ? ", signed by " : "", signer != NULL ? signer : "");
    for (guint i = 0; i < findings->reasons->len; i++)
        printf("%s %s", i == 0 ? ":" : ",", (const char *)g_ptr_array_index(findings->reasons, i));
    printf("%s\n", findings->deliverable ? "; deliver it all the same" : "");
    for (guint i = 0; i < findings->warnings->len; i++)
        printf("%s: warning: %s\n", file, (const char *)g_ptr_array_index(findings->warnings, i));
}

static int verify_file(const Task *task, const char *file)
{
    g_autoptr(GError) error = NULL;
    int fd = open_message(file, &error);
    g_autoptr(DmFindings) findings = fd >= 0 ? dm_verify(task->trust, fd, task->at, task->original, &error) : NULL;

    if (fd >= 0)
        close(fd);
    if (findings == NULL) {
        g_autofree char *line = g_strdup_printf("%s: %s", file, error->message);
        dm_output_complain(line);
        return EX_NOINPUT;
    }
    if (task->json)
        print_json(file, findings);
    else
        print_plain(file, findings);
    return dm_findings_valid(findings) ? EX_OK : NOT_VALID;
}

static int verify_files(const Task *task, char **files)
{
    int worst = EX_OK;

    for (; *files != NULL; files++) {
        int result = verify_file(task, *files);
        worst = MAX(worst, result);
    }
    return worst;
}

static gboolean prepare(const DmCtl *ctl, const Options *options, Task *task, GError **error)
{
    task->json = ctl->json || options->json;
    task->at = g_get_real_time() / G_USEC_PER_SEC;
    if (options->at != NULL && !parse_time(options->at, &task->at)) {
        g_set_error(error, DM_ERROR, DM_ERROR_USAGE,
                    "verify: --at %s is no time; write it as 2026-03-02 or 2026-03-02T12:00:00Z", options->at);
        return FALSE;
    }
    if (options->original != NULL) {
        g_autoptr(GError) cause = NULL;
        task->original = read_original(options->original, &cause);
        if (task->original == NULL) {
            g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "verify: --original: %s; name the file of a message",
                        cause->message);
            return FALSE;
        }
    }
    task->trust = open_trust(ctl, options, error);
    return task->trust != NULL && dm_xml_start(error);
}

static int run(const DmCtl *ctl, const Options *options, char **files)
{
    Task task = {0};
    g_autoptr(GError) error = NULL;
    int exit_code = EX_OK;

    if (prepare(ctl, options, &task, &error)) {
        exit_code = verify_files(&task, files);
        dm_xml_stop();
    } else {
        dm_output_complain(error->message);
        exit_code = dm_error_exit_code(error);
    }
    clear_task(&task);
    return exit_code;
}

int dm_ctl_verify(const DmCtl *ctl, int argc, char **argv)
{
    Options options = {0};
    const GOptionEntry entries[] = {
        {"ca", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.ca_files, "Certificates to trust, PEM", "FILE"},
        {"crl", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.crl_files, "Revocation lists, PEM", "FILE"},
        {"at", 0, 0, G_OPTION_ARG_STRING, &options.at, "Judge as of this time", "TIME"},
        {"original", 0, 0, G_OPTION_ARG_FILENAME, &options.original, "What a confirmation is about", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON, one line for each file", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_USAGE;

    if (dm_ctl_options("verify", "FILE…", entries, &argc, &argv)) {
        if (argc >= 2)
            exit_code = run(ctl, &options, argv + 1);
        else
            dm_output_complain("verify: give the files of messages, or - for standard input");
    }
    clear_options(&options);
    return exit_code;
}
