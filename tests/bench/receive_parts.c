/*
 * The parts of receiving alone, by the same libraries, one message after the other. Prints the microseconds of each
 * message on average.
 *
 * usage: receive_parts CONFIG TENANT fetch N        list, and fetch and acknowledge each as the provider asks for
 *        receive_parts CONFIG TENANT verify N FILE  of the one De-Mail
 *        receive_parts CONFIG TENANT record N DIR   the three records of a journal in DIR
 * Exit: 0, 64 usage, 70 if something did not work.
 */
#include "common/config.h"
#include "common/journal.h"
#include "provider/drivers.h"
#include "provider/libraries.h"
#include "standard/verify.h"
#include "standard/xml.h"

#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define COUNT_MAX 1000000U

typedef struct {
    const DmConfig *config;
    const DmTenantConfig *tenant;
    guint count;
    const char *path;
} Task;

static gboolean fetch_one(const DmProviderDriver *driver, DmProvider *provider, const DmEntry *entry, GError **error)
{
    int fd = memfd_create("message", MFD_CLOEXEC);
    gboolean good = fd >= 0 && driver->fetch(provider, entry->id, fd, error) && driver->ack(provider, entry->id, error);

    if (fd >= 0)
        close(fd);
    return good;
}

static gboolean fetch(const Task *task, GError **error)
{
    const DmProviderDriver *driver = dm_provider_driver(task->tenant->provider->driver);
    DmProvider *provider = driver->open(task->tenant->provider, task->tenant->account, error);
    g_autoptr(GPtrArray) entries = NULL;
    gboolean good = provider && driver->list(provider, task->count, &entries, error) && entries->len == task->count;

    for (guint i = 0; good && i < entries->len; i++)
        good = fetch_one(driver, provider, g_ptr_array_index(entries, i), error);
    driver->close(provider);
    return good;
}

static gboolean verify(const Task *task, GError **error)
{
    g_autoptr(DmTrust) trust = dm_trust_new(task->config->trust_anchors, task->config->crl_files, error);
    int fd = trust ? open(task->path, O_RDONLY | O_CLOEXEC) : -1;
    gboolean good = fd >= 0;

    for (guint i = 0; good && i < task->count; i++) {
        g_autoptr(DmFindings) findings = dm_verify(trust, fd, g_get_real_time() / G_USEC_PER_SEC, NULL, error);
        good = findings && dm_findings_valid(findings);
    }
    if (fd >= 0)
        close(fd);
    return good;
}

static gboolean record_one(DmJournal *journal, const char *tenant, const char *id, GError **error)
{
    static const DmReceivedState states[] = {DM_RECEIVED_INJECTING, DM_RECEIVED_INJECTED, DM_RECEIVED_ACKNOWLEDGED};
    DmReceived received = {.type = (char *)"normal",
                           .verified = (char *)"pass",
                           .fetched = g_get_real_time() / G_USEC_PER_SEC,
                           .sender = (char *)"erika@muster.de-mail.de"};

    for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
        received.state = states[i];
        received.time = received.fetched;
        if (!dm_journal_put_received(journal, tenant, id, &received, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean record(const Task *task, GError **error)
{
    g_autoptr(DmJournal) journal = dm_journal_open(task->path, DM_JOURNAL_OWN, error);
    gboolean good = journal != NULL;

    for (guint i = 0; good && i < task->count; i++) {
        g_autofree char *id = g_uuid_string_random();
        good = record_one(journal, task->tenant->name, id, error);
    }
    return good;
}

static gboolean perform(const char *what, const Task *task, GError **error)
{
    if (strcmp(what, "fetch") == 0)
        return fetch(task, error);
    return strcmp(what, "verify") == 0 ? verify(task, error) : record(task, error);
}

static gboolean is_usage(int argc, char **argv)
{
    guint64 count;

    if (argc < 5 || !g_ascii_string_to_unsigned(argv[4], 10, 1, COUNT_MAX, &count, NULL))
        return FALSE;
    if (strcmp(argv[3], "fetch") == 0)
        return argc == 5;
    return argc == 6 && (strcmp(argv[3], "verify") == 0 || strcmp(argv[3], "record") == 0);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    if (!is_usage(argc, argv)) {
        fprintf(stderr, "usage: receive_parts CONFIG TENANT fetch|verify|record N [FILE|DIR]\n");
        return EX_USAGE;
    }
    g_mime_init();

    DmConfig *config = dm_config_load(argv[1], problems);
    const DmTenantConfig *tenant = config ? dm_config_tenant_by_name(config, argv[2]) : NULL;
    Task task = {config, tenant, (guint)g_ascii_strtoull(argv[4], NULL, 10), argc > 5 ? argv[5] : NULL};
    gboolean good = tenant && dm_provider_libraries_start(&error) && dm_xml_start(&error);
    gint64 start = g_get_monotonic_time();

    good = good && perform(argv[3], &task, &error);
    if (good)
        printf("%.1f\n", (double)(g_get_monotonic_time() - start) / task.count);
    else
        fprintf(stderr, "receive_parts: %s\n", error ? error->message : "it did not work");
    dm_config_unref(config);
    return good ? 0 : EX_SOFTWARE;
}
