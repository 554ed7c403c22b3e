#include "common/address.h"
#include "common/gateway.h"
#include "common/permission.h"
#include "common/secret.h"
#include "ctl/check_trust.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

typedef struct {
    GPtrArray *problems; /* of char * */
    GPtrArray *remarks;  /* of char *; what is no problem, but ought to be known */
    const char *file;    /* of the table at hand */
} Findings;

/* Once, for tenants may share a table. Takes the text. */
static void add_finding(const Findings *findings, char *problem)
{
    if (g_ptr_array_find_with_equal_func(findings->problems, problem, g_str_equal, NULL))
        g_free(problem);
    else
        g_ptr_array_add(findings->problems, problem);
}

static gboolean check_sender(const char *key, const char *value, gpointer data)
{
    const Findings *findings = data;
    DmPermission permission;

    if (!dm_permission_parse(value, &permission))
        add_finding(findings, g_strdup_printf("table %s: key %s: \"%s\" is no list of options; write such as "
                                              "\"private,receipt unit=Amt 32\", \"all\", \"none\" or \"no\"",
                                              findings->file, key, value));
    dm_permission_clear(&permission);
    return TRUE;
}

static gboolean check_mapping(const char *key, const char *value, gpointer data)
{
    Findings *findings = data;

    if (!dm_address_is_plain(key) || !dm_address_is_plain(value))
        add_finding(findings,
                    g_strdup_printf("table %s: key %s: \"%s\" does not map an e-mail address to a De-Mail address; "
                                    "write \"user@example.org user@example.de-mail.de\"",
                                    findings->file, key, value));
    return TRUE;
}

static void check_table(Findings *findings, DmTable *table, gboolean (*each)(const char *, const char *, gpointer))
{
    g_autoptr(GError) error = NULL;
    if (table == NULL)
        return;

    g_autoptr(DmTableReader) reader = dm_table_read(table, &error);
    findings->file = dm_table_file(table);
    if (reader == NULL || !dm_table_foreach(reader, each, findings, &error))
        add_finding(findings, g_strdup(error->message));
}

static void check_secret(Findings *findings, const char *path, const char *what)
{
    g_autoptr(GError) error = NULL;

    if (!dm_secret_check(path, what, &error))
        add_finding(findings, g_strdup(error->message));
}

static void check_gateway(Findings *findings, const DmGateway *gateway)
{
    const DmConfig *config = gateway->config;

    for (guint i = 0; i < config->tenants->len; i++) {
        check_table(findings, gateway->tenants[i].senders, check_sender);
        check_table(findings, gateway->tenants[i].address_map, check_mapping);
    }
    for (guint i = 0; i < config->providers->len; i++) {
        const DmProviderConfig *provider = g_ptr_array_index(config->providers, i);
        check_secret(findings, provider->client_key, "client_key");
        check_secret(findings, provider->password_file, "password_file");
        if (!g_file_test(provider->client_cert, G_FILE_TEST_IS_REGULAR))
            add_finding(findings, g_strdup_printf("%s: client_cert is missing; put the provider's certificate there",
                                                  provider->client_cert));
    }
    if (!g_file_test(config->state_dir, G_FILE_TEST_IS_DIR))
        add_finding(findings, g_strdup_printf("%s: state_dir is missing; make the folder and give it to "
                                              "user %s",
                                              config->state_dir, config->poller.user));
}

static void print_result(const DmCtl *ctl, const Findings *findings, const DmTrustList *list)
{
    gboolean good = findings->problems->len == 0;

    if (ctl->json) {
        dm_output_json(json_pack("{s:s, s:b, s:o, s:o, s:o*}", "config", ctl->config_file, "good", (int)good,
                                 "problems", dm_output_strings(findings->problems), "remarks",
                                 dm_output_strings(findings->remarks), "trust_list",
                                 list != NULL ? dm_check_trust_json(list) : NULL));
        return;
    }
    for (guint i = 0; i < findings->problems->len; i++)
        dm_output_complain(g_ptr_array_index(findings->problems, i));
    for (guint i = 0; i < findings->remarks->len; i++)
        printf("%s\n", (const char *)g_ptr_array_index(findings->remarks, i));
    if (list != NULL) {
        g_autofree char *text = dm_check_trust_text(list);
        printf("%s\n", text);
    }
    if (good)
        printf("%s: configuration, tables and keys are good\n", ctl->config_file);
}

int dm_ctl_check(const DmCtl *ctl, int argc, char **argv)
{
    const GOptionEntry entries[] = {{NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL}};
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmTrustList) list = NULL;
    g_autoptr(GError) error = NULL;
    Findings findings = {problems, remarks, NULL};

    if (!dm_ctl_options("check", "", entries, &argc, &argv))
        return EX_USAGE;
    if (argc > 1) {
        dm_output_complain("check: takes no operand; name the configuration with -c before the command");
        return EX_USAGE;
    }
    g_autoptr(DmGateway) gateway =
        dm_gateway_open(ctl->config_file, DM_GATEWAY_POLICY | DM_GATEWAY_STAMP, problems, &error);
    if (gateway != NULL) {
        check_gateway(&findings, gateway);
        list = dm_check_trust(gateway->config, problems, remarks);
    }
    print_result(ctl, &findings, list);
    if (error != NULL)
        return dm_error_exit_code(error);
    return problems->len == 0 ? EX_OK : EX_CONFIG;
}
