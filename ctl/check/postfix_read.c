#include "ctl/check/postfix_read.h"

#include "ctl/check/postfix_rules.h"
#include "ctl/check/run.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECT_SECONDS 3
#define STALE_SECONDS   100 /* as postmap(1) and Postfix's own warning */

/* Output of a Postfix tool with `flag` and `argument` (each may be NULL). */
static gboolean run_tool(const char *tool, const char *config_dir, const char *flag, const char *argument,
                         const char *input, DmRun *run, GError **error)
{
    const char *argv[8] = {tool};
    guint count = 1;

    if (config_dir != NULL) {
        argv[count++] = "-c";
        argv[count++] = config_dir;
    }
    if (flag != NULL)
        argv[count++] = flag;
    if (g_strcmp0(flag, "-q") == 0)
        argv[count++] = "-";
    if (argument != NULL)
        argv[count++] = argument;
    argv[count] = NULL;
    return dm_run(argv, input, run, error);
}

static char *ask_postconf(const char *config_dir, const char *flag, GError **error)
{
    g_auto(DmRun) run = {0};

    if (!run_tool("postconf", config_dir, flag, NULL, NULL, &run, error))
        return NULL;
    if (run.exit_code != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_UNAVAILABLE, "%s", g_strstrip(run.errors));
        return NULL;
    }
    return g_steal_pointer(&run.output);
}

/* Lines "KEY<tab>VALUE". */
static void note_answers(DmPostfix *postfix, const char *table, char *output)
{
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *value = strchr(*line, '\t');
        if (value == NULL)
            continue;
        *value++ = '\0';
        dm_postfix_note(postfix, table, *line, value);
    }
}

static void note_age(DmPostfix *postfix, const char *table)
{
    static const char *const suffixes[][2] = {
        {"lmdb:", ".lmdb"}, {"hash:", ".db"}, {"btree:", ".db"}, {"cdb:", ".cdb"}};

    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        struct stat source;
        struct stat compiled;
        if (!g_str_has_prefix(table, suffixes[i][0]))
            continue;
        const char *file = table + strlen(suffixes[i][0]);
        g_autofree char *target = g_strconcat(file, suffixes[i][1], NULL);
        if (stat(file, &source) == 0 && stat(target, &compiled) == 0 && source.st_mtime > compiled.st_mtime)
            g_hash_table_add(postfix->stale, g_strdup(table));
    }
}

static void ask_table(DmPostfix *postfix, const char *table, const char *keys)
{
    g_auto(DmRun) run = {0};
    g_autoptr(GError) error = NULL;

    note_age(postfix, table);
    if (!run_tool("postmap", postfix->config_dir, "-q", table, keys, &run, &error)) {
        g_hash_table_insert(postfix->broken, g_strdup(table), g_strdup(error->message));
        return;
    }
    if (strstr(run.errors, "fatal:") != NULL || strstr(run.errors, "error:") != NULL) {
        g_strdelimit(g_strstrip(run.errors), "\n", ' ');
        g_hash_table_insert(postfix->broken, g_strdup(table), g_strdup(run.errors));
    }
    note_answers(postfix, table, run.output);
}

static void add_keys(const DmPostfix *postfix, const char *domain, GString *text)
{
    g_auto(GStrv) keys = dm_rules_transport_keys(postfix, domain);

    for (char **key = keys; *key != NULL; key++)
        g_string_append_printf(text, "%s\n", *key);
}

static void read_tables(DmPostfix *postfix, const DmConfig *config, char *const *domains)
{
    g_auto(GStrv) tables = dm_postfix_list(dm_postfix_get(postfix, NULL, "transport_maps"));
    g_autoptr(GString) keys = g_string_new(NULL);
    g_autofree char *divert = dm_rules_divert_sample(config);

    add_keys(postfix, divert, keys);
    for (char *const *domain = domains; *domain != NULL; domain++) {
        g_autofree char *sample = dm_rules_sample(*domain);
        add_keys(postfix, sample, keys);
    }
    for (char **table = tables; *table != NULL; table++)
        ask_table(postfix, *table, keys->str);
}

gboolean dm_socket_answers(const char *address)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnectable) target = NULL;

    if (g_str_has_prefix(address, "unix:"))
        target = G_SOCKET_CONNECTABLE(g_unix_socket_address_new(address + strlen("unix:")));
    else if (g_str_has_prefix(address, "inet"))
        target = g_network_address_parse(strchr(address, ':') + 1, 0, NULL);
    if (target == NULL)
        return FALSE;
    g_socket_client_set_timeout(client, CONNECT_SECONDS);
    g_socket_client_set_enable_proxy(client, FALSE);
    g_autoptr(GSocketConnection) connection = g_socket_client_connect(client, target, NULL, NULL);
    return connection != NULL;
}

static void probe_list(DmPostfix *postfix, const char *list)
{
    g_auto(GStrv) addresses = dm_rules_milter_addresses(list);

    for (char **address = addresses; *address != NULL; address++) {
        /* Where a Unix socket is depends on the service. */
        if (g_str_has_prefix(*address, "inet:") && !dm_socket_answers(*address))
            g_hash_table_add(postfix->dead, g_strdup(*address));
    }
}

static void probe_milters(DmPostfix *postfix)
{
    static const char *const settings[] = {"smtpd_milters", "non_smtpd_milters"};

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        probe_list(postfix, dm_postfix_get(postfix, NULL, settings[i]));
        for (guint j = 0; j < postfix->services->len; j++) {
            const DmPostfixService *service = g_ptr_array_index(postfix->services, j);
            if (dm_postfix_overrides(service, settings[i]))
                probe_list(postfix, dm_postfix_get(postfix, service, settings[i]));
        }
    }
}

DmPostfix *dm_postfix_read(const char *config_dir, const DmConfig *config, char *const *domains, GError **error)
{
    g_autofree char *raw = ask_postconf(config_dir, NULL, error);
    g_autofree char *expanded = raw != NULL ? ask_postconf(config_dir, "-x", error) : NULL;
    g_autofree char *services = expanded != NULL ? ask_postconf(config_dir, "-M", error) : NULL;
    g_autofree char *overrides = services != NULL ? ask_postconf(config_dir, "-Px", error) : NULL;

    if (overrides == NULL)
        return NULL;
    DmPostfix *postfix = dm_postfix_parse(config_dir, raw, expanded, services, overrides);
    read_tables(postfix, config, domains);
    probe_milters(postfix);
    return postfix;
}
