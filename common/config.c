#include "common/config.h"

#include "common/config_schema.h"
#include "common/config_value.h"
#include "common/error.h"
#include "common/nearest.h"
#include "common/options.h"

#include <string.h>

/* The configuration proper, behind its reference count. */
typedef struct {
    gatomicrefcount references;
    DmConfig config;
} Counted;

typedef struct {
    DmConfig *config;
    GKeyFile *file;
    GPtrArray *problems;
} Load;

static void G_GNUC_PRINTF(4, 5)
    add_problem(const Load *load, const char *group, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(load->problems, key != NULL
                                        ? g_strdup_printf("%s: [%s] %s: %s", load->config->file, group, key, what)
                                        : g_strdup_printf("%s: [%s]: %s", load->config->file, group, what));
}

static void clear_members(const DmConfigGroup *group, gpointer members)
{
    for (const DmConfigKey *key = group->keys; key->name != NULL; key++)
        dm_value_clear(key->rule.type, (char *)members + key->offset);
}

static void free_provider(gpointer data)
{
    DmProviderConfig *provider = data;

    clear_members(dm_config_group("provider"), provider);
    g_free(provider->name);
    g_free(provider);
}

static void free_tenant(gpointer data)
{
    DmTenantConfig *tenant = data;

    clear_members(dm_config_group("tenant"), tenant);
    g_free(tenant->name);
    g_free(tenant);
}

DmConfig *dm_config_ref(DmConfig *config)
{
    g_atomic_ref_count_inc(&((Counted *)((char *)config - offsetof(Counted, config)))->references);
    return config;
}

void dm_config_unref(DmConfig *config)
{
    if (config == NULL)
        return;
    Counted *counted = (Counted *)((char *)config - offsetof(Counted, config));
    if (!g_atomic_ref_count_dec(&counted->references))
        return;
    for (const DmConfigGroup *group = dm_config_groups; group->name != NULL; group++) {
        if (!group->has_name)
            clear_members(group, config);
    }
    g_ptr_array_unref(config->tenants);
    g_ptr_array_unref(config->providers);
    g_free(config->file);
    g_free(counted);
}

static DmConfig *new_config(const char *file)
{
    Counted *counted = g_new0(Counted, 1);

    g_atomic_ref_count_init(&counted->references);
    counted->config.file = g_strdup(file);
    counted->config.providers = g_ptr_array_new_with_free_func(free_provider);
    counted->config.tenants = g_ptr_array_new_with_free_func(free_tenant);
    return &counted->config;
}

static void read_key(const Load *load, const DmConfigKey *key, const char *group, gpointer members)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_key_file_get_string(load->file, group, key->name, NULL);
    gpointer target = (char *)members + key->offset;

    if (text == NULL && g_key_file_has_key(load->file, group, key->name, NULL)) {
        add_problem(load, group, key->name, "the value is not UTF-8 or has a bad escape; correct it");
        return;
    }
    if (key->preset == NULL && (text == NULL || text[strspn(text, " \t;")] == '\0')) {
        add_problem(load, group, key->name, "is missing; add \"%s = …\"", key->name);
        return;
    }
    if (!dm_value_parse(&key->rule, text != NULL ? text : key->preset, target, &error))
        add_problem(load, group, key->name, "%s", error->message);
}

static void refuse_unknown_keys(const Load *load, const DmConfigGroup *schema, const char *group)
{
    g_auto(GStrv) keys = g_key_file_get_keys(load->file, group, NULL, NULL);
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    for (const DmConfigKey *key = schema->keys; key->name != NULL; key++)
        g_ptr_array_add(known, (gpointer)key->name);
    g_ptr_array_add(known, NULL);
    for (char **key = keys; keys != NULL && *key != NULL; key++) {
        if (!g_strv_contains((const char *const *)known->pdata, *key))
            add_problem(load, group, *key, "unknown key; did you mean \"%s\"?",
                        dm_nearest(*key, (const char *const *)known->pdata));
    }
}

static void read_group(const Load *load, const DmConfigGroup *schema, const char *group, gpointer members)
{
    for (const DmConfigKey *key = schema->keys; key->name != NULL; key++)
        read_key(load, key, group, members);
    refuse_unknown_keys(load, schema, group);
}

/* Tenant names stand in the stamp and in log lines. */
static gboolean is_good_name(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(name);
}

static void read_named_group(const Load *load, const DmConfigGroup *schema, const char *group, const char *name)
{
    if (!is_good_name(name)) {
        add_problem(load, group, NULL,
                    "the name \"%s\" is not valid; use up to 64 letters, digits, \"-\", \"_\", \".\"", name);
        return;
    }
    if (strcmp(schema->name, "provider") == 0) {
        DmProviderConfig *provider = g_new0(DmProviderConfig, 1);
        provider->name = g_strdup(name);
        g_ptr_array_add(load->config->providers, provider);
        read_group(load, schema, group, provider);
    } else {
        DmTenantConfig *tenant = g_new0(DmTenantConfig, 1);
        tenant->name = g_strdup(name);
        g_ptr_array_add(load->config->tenants, tenant);
        read_group(load, schema, group, tenant);
    }
}

static void refuse_unknown_group(const Load *load, const char *group)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    g_autofree char *word = g_strndup(group, strcspn(group, " "));

    for (const DmConfigGroup *schema = dm_config_groups; schema->name != NULL; schema++)
        g_ptr_array_add(known, (gpointer)schema->name);
    g_ptr_array_add(known, NULL);
    const char *nearest = dm_nearest(word, (const char *const *)known->pdata);
    gboolean has_name = nearest != NULL && dm_config_group(nearest)->has_name;
    add_problem(load, group, NULL, "unknown group; did you mean \"[%s%s]\"?", nearest, has_name ? " NAME" : "");
}

static void read_groups(const Load *load)
{
    g_auto(GStrv) groups = g_key_file_get_groups(load->file, NULL);

    for (const DmConfigGroup *schema = dm_config_groups; schema->name != NULL; schema++) {
        if (!schema->has_name)
            read_group(load, schema, schema->name, load->config);
    }
    for (char **group = groups; *group != NULL; group++) {
        const char *blank = strchr(*group, ' ');
        g_autofree char *word = g_strndup(*group, strcspn(*group, " "));
        const DmConfigGroup *schema = dm_config_group(word);
        if (schema == NULL || schema->has_name != (blank != NULL))
            refuse_unknown_group(load, *group);
        else if (schema->has_name)
            read_named_group(load, schema, *group, blank + strspn(blank, " "));
    }
}

static const DmProviderConfig *find_provider(const DmConfig *config, const char *name)
{
    for (guint i = 0; i < config->providers->len; i++) {
        const DmProviderConfig *provider = g_ptr_array_index(config->providers, i);
        if (strcmp(provider->name, name) == 0)
            return provider;
    }
    return NULL;
}

static void claim_domains(const Load *load, GHashTable *owners, const char *group, const char *key,
                          char *const *domains)
{
    for (char *const *domain = domains; domain != NULL && *domain != NULL; domain++) {
        const char *owner = g_hash_table_lookup(owners, *domain);
        if (owner != NULL)
            add_problem(load, group, key, "%s belongs to [%s] already; give each domain to one tenant", *domain, owner);
        else
            g_hash_table_insert(owners, *domain, g_strdup(group));
    }
}

static void check_divert_domain(const Load *load, const char *group, const char *key, char *const *domains)
{
    const char *divert = load->config->divert_domain;

    for (char *const *domain = domains; divert != NULL && domain != NULL && *domain != NULL; domain++) {
        gsize extra = strlen(*domain) >= strlen(divert) ? strlen(*domain) - strlen(divert) : 0;
        if (g_str_has_suffix(*domain, divert) && (extra == 0 || (*domain)[extra - 1] == '.'))
            add_problem(load, group, key, "%s lies in divert_domain %s; choose another divert_domain", *domain, divert);
    }
}

/* A short token that means another option already, by its own key or by name. */
static void check_tokens(const Load *load)
{
    static const char *const keys[DM_OPTION_COUNT] = {"token_private", "token_authoritative", "token_dispatch",
                                                      "token_receipt", "token_retrieve"};
    char **const *tokens = load->config->tokens;

    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        if (tokens[i] == NULL)
            return;
    }
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        for (char **token = tokens[i]; *token != NULL; token++) {
            if (dm_option_of_token(tokens, *token) != 1U << i)
                add_problem(load, "gateway", keys[i], "\"%s\" means another option already; choose another token",
                            *token);
        }
    }
}

/* Without the one certificate that counts, a list from the net could name any domain. */
static void check_trust_list(const Load *load)
{
    const DmConfig *config = load->config;

    if (config->trust_list_url == NULL || config->trust_list_signer == NULL || config->trust_list_ca_file == NULL)
        return;
    gboolean url = config->trust_list_url[0] != '\0', signer = config->trust_list_signer[0] != '\0';
    if (url && !signer)
        add_problem(load, "gateway", "trust_list_signer",
                    "is missing; name the certificate that signs the list of trust_list_url");
    if (!url && signer)
        add_problem(load, "gateway", "trust_list_signer", "has no trust_list_url; add it or remove this line");
    if (!g_str_has_prefix(config->trust_list_url, "https:") && config->trust_list_ca_file[0] != '\0')
        add_problem(load, "gateway", "trust_list_ca_file",
                    "is only for a trust_list_url with https://; remove this line");
}

/* A message that comes again after its De-Mail has left the journal must be refused by its stamp. */
static void check_keep_days(const Load *load)
{
    const DmConfig *config = load->config;

    if (config->keep_days > 0 && config->keep_days * 86400 < config->stamp_max_age)
        add_problem(load, "gateway", "keep_days",
                    "%d days are less than stamp_max_age; a De-Mail could be sent twice: keep more days",
                    (int)config->keep_days);
}

/* An archive has one writer, and one chain. */
static void check_archive_dir(const Load *load, GHashTable *owners, const char *group, const char *dir)
{
    if (dir == NULL || dir[0] == '\0')
        return;
    g_autofree char *path = g_canonicalize_filename(dir, NULL);
    const char *owner = g_hash_table_lookup(owners, path);

    if (owner != NULL)
        add_problem(load, group, "archive_dir", "%s belongs to [%s] already; give each tenant its own", dir, owner);
    else
        g_hash_table_insert(owners, g_steal_pointer(&path), g_strdup(group));
}

/* What one key alone can't show. A member whose own value was refused is NULL here. */
static void check_whole(const Load *load)
{
    DmConfig *config = load->config;
    g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_autoptr(GHashTable) archives = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    check_tokens(load);
    check_trust_list(load);
    check_keep_days(load);
    if (config->tenants->len == 0)
        add_problem(load, "tenant NAME", NULL, "there is no tenant; add a group such as [tenant office]");
    for (guint i = 0; i < config->tenants->len; i++) {
        DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        g_autofree char *group = g_strdup_printf("tenant %s", tenant->name);
        if (tenant->provider_name != NULL)
            tenant->provider = find_provider(config, tenant->provider_name);
        if (tenant->provider_name != NULL && tenant->provider == NULL)
            add_problem(load, group, "provider", "there is no group [provider %s]; add it or correct the name",
                        tenant->provider_name);
        claim_domains(load, owners, group, "email_domains", tenant->email_domains);
        claim_domains(load, owners, group, "demail_domains", tenant->demail_domains);
        check_divert_domain(load, group, "email_domains", tenant->email_domains);
        check_divert_domain(load, group, "demail_domains", tenant->demail_domains);
        check_archive_dir(load, archives, group, tenant->archive_dir);
    }
}

/* GKeyFile would merge two groups of one name in silence, the later values on top of the earlier ones. */
static void refuse_double_groups(const Load *load)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(load->config->file, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_strchomp(*line);
        gsize length = strlen(*line);
        if (length < 2 || (*line)[0] != '[' || (*line)[length - 1] != ']')
            continue;
        (*line)[length - 1] = '\0';
        if (!g_hash_table_add(seen, *line + 1))
            add_problem(load, *line + 1, NULL, "stands there twice; give the second group another name or join them");
    }
}

DmConfig *dm_config_load(const char *file, GPtrArray *problems)
{
    g_autoptr(DmConfig) config = new_config(file);
    g_autoptr(GKeyFile) key_file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    const Load load = {config, key_file, problems};
    guint before = problems->len;

    if (!g_key_file_load_from_file(key_file, file, G_KEY_FILE_NONE, &error)) {
        g_ptr_array_add(problems, g_strdup_printf("%s: %s; make the file, correct it, or name another with -c", file,
                                                  error->message));
        return NULL;
    }
    refuse_double_groups(&load);
    read_groups(&load);
    check_whole(&load);
    return problems->len == before ? g_steal_pointer(&config) : NULL;
}

static gboolean has_domain(char *const *domains, const char *domain)
{
    for (char *const *one = domains; *one != NULL; one++) {
        if (g_ascii_strcasecmp(*one, domain) == 0)
            return TRUE;
    }
    return FALSE;
}

const DmTenantConfig *dm_config_tenant_by_email_domain(const DmConfig *config, const char *domain)
{
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        if (has_domain(tenant->email_domains, domain))
            return tenant;
    }
    return NULL;
}

const DmTenantConfig *dm_config_tenant_by_demail_domain(const DmConfig *config, const char *domain)
{
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        if (has_domain(tenant->demail_domains, domain))
            return tenant;
    }
    return NULL;
}

const DmTenantConfig *dm_config_tenant_by_name(const DmConfig *config, const char *name)
{
    for (guint i = 0; i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        if (strcmp(tenant->name, name) == 0)
            return tenant;
    }
    return NULL;
}
