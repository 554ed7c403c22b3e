#include "ctl/check/tables.h"

#include "common/address.h"
#include "common/permission.h"
#include "common/postmap.h"
#include "ctl/check/finding.h"

#include <string.h>
#include <sys/stat.h>

typedef struct {
    GPtrArray *findings;
    const char *file; /* that holds the table at hand */
    const char *spec;
} Tables;

/* The source of "lmdb:FILE" or "texthash:FILE". */
static const char *source_of(const char *spec)
{
    const char *colon = strchr(spec, ':');

    return colon != NULL ? colon + 1 : spec;
}

static gboolean is_compiled(const char *spec)
{
    return g_str_has_prefix(spec, "lmdb:");
}

/* Opens the source, and compiles it; at the line for the key, unless that may be more than a pattern to the editor,
 * which takes orders behind one: who writes a table need not be who runs this. */
char *dm_check_edit_command(const char *spec, const char *key)
{
    static const char safe[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "@._-";
    g_autofree char *file = dm_shell_word(source_of(spec));
    g_autofree char *place = key[strspn(key, safe)] == '\0' ? g_strdup_printf("+/^%s ", key) : g_strdup("");

    return g_strdup_printf("\"${EDITOR:-vi}\" %s%s%s%s", place, file, is_compiled(spec) ? " && demailctl postmap " : "",
                           is_compiled(spec) ? file : "");
}

static void add_entry(const Tables *tables, const char *key, char *problem, const char *why)
{
    dm_check_findings_add(tables->findings, (DmCheckFinding){.code = "table.entry",
                                                             .severity = DM_CHECK_ERROR,
                                                             .problem = problem,
                                                             .why = why,
                                                             .command = dm_check_edit_command(tables->spec, key)});
}

static gboolean check_sender(const char *key, const char *value, gpointer data)
{
    const Tables *tables = data;
    DmPermission permission;

    if (!dm_permission_parse(value, &permission))
        add_entry(tables, key,
                  g_strdup_printf("table %s: key %s: \"%s\" is no list of options; write such as "
                                  "\"private,receipt unit=Amt 32\", \"all\", \"none\" or \"no\"",
                                  tables->file, key, value),
                  "these senders can't send De-Mail");
    dm_permission_clear(&permission);
    return TRUE;
}

static gboolean check_mapping(const char *key, const char *value, gpointer data)
{
    const Tables *tables = data;

    if (!dm_address_is_plain(key) || !dm_address_is_plain(value))
        add_entry(tables, key,
                  g_strdup_printf("table %s: key %s: \"%s\" does not map an e-mail address to a De-Mail address; "
                                  "write \"user@example.org user@example.de-mail.de\"",
                                  tables->file, key, value),
                  "this address has no De-Mail address");
    return TRUE;
}

static void check_age(const Tables *tables)
{
    const char *source = source_of(tables->spec);
    struct stat written;
    struct stat compiled;

    if (!is_compiled(tables->spec) || stat(source, &written) != 0 || stat(tables->file, &compiled) != 0 ||
        written.st_mtime <= compiled.st_mtime)
        return;
    dm_check_findings_add(tables->findings,
                          (DmCheckFinding){.code = "table.stale",
                                           .severity = DM_CHECK_WARNING,
                                           .problem = g_strdup_printf("%s is older than %s", tables->file, source),
                                           .why = "what has been written there since has no effect",
                                           .command = dm_shell_command("demailctl", "postmap", source, NULL)});
}

static void check_table(Tables *tables, DmTable *table, const char *spec,
                        gboolean (*each)(const char *, const char *, gpointer))
{
    g_autoptr(GError) error = NULL;

    if (table == NULL)
        return;
    tables->file = dm_table_file(table);
    tables->spec = spec;
    check_age(tables);
    if (each == NULL)
        return;
    g_autoptr(DmTableReader) reader = dm_table_read(table, &error);
    if (reader == NULL || !dm_table_foreach(reader, each, tables, &error))
        dm_check_findings_add(tables->findings, (DmCheckFinding){.code = "table.unreadable",
                                                                 .severity = DM_CHECK_ERROR,
                                                                 .problem = g_strdup(error->message),
                                                                 .why = "De-Mail is deferred until it is back",
                                                                 .command = dm_shell_command("demailctl", "postmap",
                                                                                             source_of(spec), NULL)});
}

void dm_check_tables(const DmGateway *gateway, GPtrArray *findings)
{
    const DmConfig *config = gateway->config;
    Tables tables = {.findings = findings};

    check_table(&tables, gateway->demail_domains, config->demail_domains, NULL);
    check_table(&tables, gateway->sender_logins, config->sender_logins, NULL);
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        check_table(&tables, gateway->tenants[i].senders, tenant->senders, check_sender);
        check_table(&tables, gateway->tenants[i].address_map, tenant->address_map, check_mapping);
    }
}

static gboolean add_domain(const char *key, const char *value, gpointer data)
{
    GPtrArray *domains = data;
    gboolean is_word = TRUE;

    for (const char *c = key; *c != '\0'; c++)
        is_word = is_word && *c != '@' && !g_ascii_iscntrl(*c);
    if (is_word && g_ascii_strcasecmp(value, "no") != 0)
        g_ptr_array_add(domains, g_strdup(key));
    return TRUE;
}

char **dm_check_domains(const DmConfig *config)
{
    GPtrArray *domains = g_ptr_array_new();
    g_autoptr(DmTable) table = dm_table_open(config->demail_domains, DM_TABLE_KEEP_LAST, NULL);
    g_autoptr(DmTableReader) reader = table != NULL ? dm_table_read(table, NULL) : NULL;

    if (reader != NULL)
        dm_table_foreach(reader, add_domain, domains, NULL);
    g_ptr_array_add(domains, NULL);
    return (char **)g_ptr_array_free(domains, FALSE);
}
