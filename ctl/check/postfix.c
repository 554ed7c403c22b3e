#include "ctl/check/postfix.h"

#include "ctl/check/finding.h"

#include <string.h>

static void free_service(gpointer data)
{
    DmPostfixService *service = data;

    g_free(service->name);
    g_free(service->type);
    g_free(service->command);
    g_free(service->arguments);
    g_hash_table_unref(service->overrides);
    g_free(service);
}

static GHashTable *new_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* Lines "name = value". */
static void parse_settings(GHashTable *table, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *equals = strchr(*line, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        g_hash_table_insert(table, g_strdup(g_strstrip(*line)), g_strdup(g_strstrip(equals + 1)));
    }
}

/* Postfix from 3.0 on runs services outside of the chroot unless master.cf says otherwise. */
static gboolean is_chrooted(const DmPostfix *postfix, const char *field)
{
    if (!g_str_equal(field, "-"))
        return field[0] == 'y';
    return g_ascii_strtod(dm_postfix_get(postfix, NULL, "compatibility_level"), NULL) < 1;
}

/* Lines "name type private unprivileged chroot wakeup maxproc command arguments". */
static void parse_services(DmPostfix *postfix, const char *text)
{
    enum { NAME, TYPE, PRIVATE, UNPRIVILEGED, CHROOT, WAKEUP, MAXPROC, COMMAND, FIELDS };
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *fields[FIELDS] = {NULL};
        char *rest = *line;
        guint count = 0;
        while (count < FIELDS && *(rest = rest + strspn(rest, " \t")) != '\0') {
            fields[count++] = rest;
            rest += strcspn(rest, " \t");
            if (*rest != '\0')
                *rest++ = '\0';
        }
        if (count < FIELDS)
            continue;
        DmPostfixService *service = g_new0(DmPostfixService, 1);
        service->name = g_strdup(fields[NAME]);
        service->type = g_strdup(fields[TYPE]);
        service->chroot = is_chrooted(postfix, fields[CHROOT]);
        service->command = g_strdup(fields[COMMAND]);
        service->arguments = g_strdup(g_strstrip(rest));
        service->overrides = new_table();
        g_ptr_array_add(postfix->services, service);
    }
}

/* Lines "name/type/setting = value". A name may hold slashes. */
static void parse_overrides(DmPostfix *postfix, const char *text)
{
    g_autoptr(GHashTable) lines = new_table();
    GHashTableIter iter;
    gpointer key;
    gpointer value;

    parse_settings(lines, text);
    g_hash_table_iter_init(&iter, lines);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_autofree char *name = g_strdup(key);
        char *setting = strrchr(name, '/');
        if (setting == NULL)
            continue;
        *setting++ = '\0';
        char *type = strrchr(name, '/');
        if (type == NULL)
            continue;
        *type++ = '\0';
        DmPostfixService *service = dm_postfix_service(postfix, name, type);
        if (service != NULL)
            g_hash_table_insert(service->overrides, g_strdup(setting), g_strdup(value));
    }
}

DmPostfix *dm_postfix_parse(const char *config_dir, const char *raw, const char *expanded, const char *services,
                            const char *overrides)
{
    DmPostfix *postfix = g_new0(DmPostfix, 1);

    postfix->config_dir = g_strdup(config_dir);
    postfix->raw = new_table();
    postfix->expanded = new_table();
    postfix->services = g_ptr_array_new_with_free_func(free_service);
    postfix->found = new_table();
    postfix->broken = new_table();
    postfix->stale = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    postfix->dead = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    parse_settings(postfix->raw, raw);
    parse_settings(postfix->expanded, expanded);
    parse_services(postfix, services);
    parse_overrides(postfix, overrides);
    return postfix;
}

void dm_postfix_free(DmPostfix *postfix)
{
    if (postfix == NULL)
        return;
    g_free(postfix->config_dir);
    g_hash_table_unref(postfix->raw);
    g_hash_table_unref(postfix->expanded);
    g_ptr_array_unref(postfix->services);
    g_hash_table_unref(postfix->found);
    g_hash_table_unref(postfix->broken);
    g_hash_table_unref(postfix->stale);
    g_hash_table_unref(postfix->dead);
    g_free(postfix);
}

const char *dm_postfix_get(const DmPostfix *postfix, const DmPostfixService *service, const char *setting)
{
    const char *value = service != NULL ? g_hash_table_lookup(service->overrides, setting) : NULL;

    if (value == NULL)
        value = g_hash_table_lookup(postfix->expanded, setting);
    return value != NULL ? value : "";
}

gboolean dm_postfix_overrides(const DmPostfixService *service, const char *setting)
{
    return service != NULL && g_hash_table_contains(service->overrides, setting);
}

const char *dm_postfix_source(const DmPostfix *postfix, const DmPostfixService *service, const char *setting)
{
    const char *value = dm_postfix_overrides(service, setting) ? g_hash_table_lookup(service->overrides, setting)
                                                               : g_hash_table_lookup(postfix->raw, setting);

    return value != NULL ? value : "";
}

DmPostfixService *dm_postfix_service(const DmPostfix *postfix, const char *name, const char *type)
{
    for (guint i = 0; i < postfix->services->len; i++) {
        DmPostfixService *service = g_ptr_array_index(postfix->services, i);
        if (g_str_equal(service->name, name) && g_str_equal(service->type, type))
            return service;
    }
    return NULL;
}

char *dm_postfix_tool(const DmPostfix *postfix, const char *tool)
{
    return postfix->config_dir != NULL ? dm_shell_command(tool, "-c", postfix->config_dir, NULL) : g_strdup(tool);
}

/* postconf with a flag and one argument. */
static char *postconf(const DmPostfix *postfix, const char *flag, const char *argument)
{
    g_autofree char *tool = dm_postfix_tool(postfix, "postconf");
    g_autofree char *word = dm_shell_word(argument);

    return g_strdup_printf("%s %s %s", tool, flag, word);
}

char *dm_postfix_set_override(DmPostfix *postfix, DmPostfixService *service, const char *setting, const char *value)
{
    /* postconf -P takes no white space in a value; a list does without. */
    g_auto(GStrv) words = g_strsplit_set(value, " \t", -1);
    GString *packed = g_string_new(NULL);

    for (char **word = words; *word != NULL; word++) {
        gboolean apart = packed->len > 0 && strchr(",{", packed->str[packed->len - 1]) == NULL;
        if (**word != '\0')
            g_string_append_printf(packed, "%s%s", apart && strchr(",}", **word) == NULL ? "," : "", *word);
    }
    g_autofree char *argument = g_strdup_printf("%s/%s/%s=%s", service->name, service->type, setting, packed->str);
    g_hash_table_insert(service->overrides, g_strdup(setting), g_string_free(packed, FALSE));
    return postconf(postfix, "-P", argument);
}

char *dm_postfix_set(DmPostfix *postfix, DmPostfixService *service, const char *setting, const char *value)
{
    if (dm_postfix_overrides(service, setting))
        return dm_postfix_set_override(postfix, service, setting, value);
    g_autofree char *argument = g_strdup_printf("%s = %s", setting, value);
    g_hash_table_insert(postfix->raw, g_strdup(setting), g_strdup(value));
    g_hash_table_insert(postfix->expanded, g_strdup(setting), g_strdup(value));
    return postconf(postfix, "-e", argument);
}

char *dm_postfix_drop_override(DmPostfix *postfix, DmPostfixService *service, const char *setting)
{
    g_autofree char *argument = g_strdup_printf("%s/%s/%s", service->name, service->type, setting);

    g_hash_table_remove(service->overrides, setting);
    return postconf(postfix, "-PX", argument);
}

char *dm_postfix_leave_chroot(DmPostfix *postfix, DmPostfixService *service)
{
    g_autofree char *argument = g_strdup_printf("%s/%s/chroot=n", service->name, service->type);

    service->chroot = FALSE;
    return postconf(postfix, "-F", argument);
}

char *dm_postfix_make_service(const DmPostfix *postfix, const char *name, const char *type, const char *line)
{
    g_autofree char *argument = g_strdup_printf("%s/%s=%s", name, type, line);

    return postconf(postfix, "-Me", argument);
}

char **dm_postfix_list(const char *value)
{
    GPtrArray *list = g_ptr_array_new();

    while (*(value += strspn(value, ", \t\n")) != '\0') {
        const char *begin = value;
        guint depth = 0;
        while (*value != '\0' && (depth > 0 || strchr(", \t\n", *value) == NULL)) {
            if (*value == '{')
                depth++;
            else if (*value == '}' && depth > 0)
                depth--;
            value++;
        }
        g_ptr_array_add(list, g_strndup(begin, (gsize)(value - begin)));
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

const char *dm_postfix_find(const DmPostfix *postfix, const char *table, const char *key)
{
    g_autofree char *name = g_strdup_printf("%s\n%s", table, key);

    return g_hash_table_lookup(postfix->found, name);
}

void dm_postfix_note(DmPostfix *postfix, const char *table, const char *key, const char *value)
{
    g_hash_table_insert(postfix->found, g_strdup_printf("%s\n%s", table, key), g_strdup(value));
}
