#include "ctl/check/postfix_rules.h"

#include <string.h>

#define TRANSPORT      "demail"
#define RECIPIENTS     10000 /* of one envelope: as many as demail-poller takes */
#define REPAIRS_MAX    50    /* lines of a table that one command writes */
#define SAMPLE_USER    "demail-check@"
#define TRANSPORT_LINE TRANSPORT " unix - - n - - lmtp -o lmtp_line_length_limit=0"

char *dm_rules_sample(const char *key)
{
    return key[0] == '.' ? g_strconcat("demail-check", key, NULL) : g_strdup(key);
}

char *dm_rules_divert_sample(const DmConfig *config)
{
    return g_strconcat("muster.de-mail.de.", config->divert_domain, NULL);
}

char **dm_rules_transport_keys(const DmPostfix *postfix, const char *domain)
{
    const char *styles = dm_postfix_get(postfix, NULL, "parent_domain_matches_subdomains");
    g_auto(GStrv) style = dm_postfix_list(styles);
    gsize skip = g_strv_contains((const char *const *)style, "transport_maps") ? 1 : 0;
    GPtrArray *keys = g_ptr_array_new();

    g_ptr_array_add(keys, g_strconcat(SAMPLE_USER, domain, NULL));
    g_ptr_array_add(keys, g_strdup(domain));
    for (const char *dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        g_ptr_array_add(keys, g_strdup(dot + skip));
    g_ptr_array_add(keys, g_strdup("*"));
    g_ptr_array_add(keys, NULL);
    return (char **)g_ptr_array_free(keys, FALSE);
}

/* What transport_maps says on a recipient in the domain. */
typedef struct {
    const char *table;
    char *key;
    const char *value; /* NULL: nothing */
} Hit;

static void find_route(const DmPostfix *postfix, char *const *tables, const char *domain, Hit *hit)
{
    g_auto(GStrv) keys = dm_rules_transport_keys(postfix, domain);

    *hit = (Hit){0};
    for (char **key = keys; *key != NULL; key++) {
        for (char *const *table = tables; *table != NULL; table++) {
            hit->value = dm_postfix_find(postfix, *table, *key);
            if (hit->value == NULL)
                continue;
            hit->table = *table;
            hit->key = g_strdup(*key);
            return;
        }
    }
}

/* "demail:unix:PATH" or "demail:inet:HOST:PORT". */
static char *our_route(const DmConfig *config)
{
    return g_strconcat(TRANSPORT ":", config->poller.lmtp, NULL);
}

/* inet:HOST:PORT in one of the forms that Postfix takes, without "inet:" and brackets. */
static char *plain_hop(const char *hop)
{
    GString *plain = g_string_new(NULL);

    for (const char *c = g_str_has_prefix(hop, "inet:") ? hop + 5 : hop; *c != '\0'; c++) {
        if (*c != '[' && *c != ']')
            g_string_append_c(plain, *c);
    }
    return g_string_free(plain, FALSE);
}

static gboolean is_our_route(const DmConfig *config, const char *value)
{
    const char *hop = strchr(value, ':');

    if (hop == NULL || !g_str_has_prefix(value, TRANSPORT ":"))
        return FALSE;
    if (g_str_has_prefix(config->poller.lmtp, "unix:"))
        return g_str_equal(hop + 1, config->poller.lmtp);
    g_autofree char *one = plain_hop(hop + 1);
    g_autofree char *other = plain_hop(config->poller.lmtp);
    return g_str_equal(one, other);
}

/* The source of a table that holds lines "KEY VALUE", or NULL: what an LDAP, SQL or pattern table names is no such file,
 * and lines that were written there would break it. */
static const char *table_file(const char *table)
{
    static const char *const types[] = {"lmdb", "hash", "btree", "cdb", "dbm", "sdbm", NULL};
    const char *colon = strchr(table, ':');
    g_autofree char *type = colon != NULL ? g_strndup(table, (gsize)(colon - table)) : NULL;

    return type != NULL && colon[1] == '/' && g_strv_contains(types, type) ? colon + 1 : NULL;
}

/* A table of transport_maps with the same name as our source, else our source. */
static char *choose_table(char *const *tables, const char *own_file)
{
    g_autofree char *name = g_path_get_basename(own_file);

    for (char *const *table = tables; *table != NULL; table++) {
        const char *file = table_file(*table);
        g_autofree char *base = file != NULL ? g_path_get_basename(file) : NULL;
        if (g_strcmp0(base, name) == 0)
            return g_strdup(*table);
    }
    return g_strconcat("lmdb:", own_file, NULL);
}

static void append_pattern(GString *text, const char *key)
{
    for (const char *c = key; *c != '\0'; c++)
        g_string_append_printf(text, strchr(".*[]^$\\/", *c) != NULL ? "\\%c" : "%c", *c);
}

/* What answers for a whole address, as patterns do, is asked before any domain: no line elsewhere helps. The command that
 * opens it, or NULL. */
static char *edit_pattern(const DmPostfix *postfix, const Hit *hit)
{
    if (hit->value == NULL || table_file(hit->table) != NULL || !g_str_has_prefix(hit->key, SAMPLE_USER))
        return NULL;
    const char *slash = strchr(hit->table, '/');
    g_autofree char *main_cf = g_build_filename(
        postfix->config_dir != NULL ? postfix->config_dir : dm_postfix_get(postfix, NULL, "config_directory"),
        "main.cf", NULL);
    g_autofree char *file = dm_shell_word(slash != NULL ? slash : main_cf);
    g_autofree char *tool = dm_postfix_tool(postfix, "postfix");
    return g_strdup_printf("\"${EDITOR:-vi}\" %s && %s reload", file, tool);
}

static void add_route(DmRules *rules, const char *code, char *problem, const char *why, char *command, gboolean script)
{
    dm_check_findings_add(rules->findings, (DmCheckFinding){.code = code,
                                                            .severity = DM_CHECK_ERROR,
                                                            .problem = problem,
                                                            .why = why,
                                                            .command = command,
                                                            .script = script});
}

/* transport_maps with the table before all others. */
static char *put_first(DmPostfix *postfix, const char *table)
{
    g_auto(GStrv) written = dm_postfix_list(dm_postfix_source(postfix, NULL, "transport_maps"));
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    g_ptr_array_add(order, (gpointer)table);
    for (char **one = written; *one != NULL; one++) {
        if (!g_str_equal(*one, table))
            g_ptr_array_add(order, *one);
    }
    g_ptr_array_add(order, NULL);
    g_autofree char *value = g_strjoinv(", ", (char **)order->pdata);
    return dm_postfix_set(postfix, NULL, "transport_maps", value);
}

/* Writes "KEY VALUE" for the keys into the table's source, in the place of other lines for them, compiles it, and makes
 * it a table of transport_maps; the first one where another (`outdone`) answers for the same keys. */
static char *write_lines(const DmRules *rules, const char *table, char *const *keys, char *const *tables,
                         gboolean outdone)
{
    DmPostfix *postfix = rules->postfix;
    const char *file = table_file(table);
    g_autofree char *route = our_route(rules->config);
    g_autofree char *tool = dm_postfix_tool(postfix, "postmap");
    g_autofree char *file_word = dm_shell_word(file);
    g_autofree char *table_word = dm_shell_word(table);
    g_autofree char *add = NULL;
    g_autoptr(GString) script = g_string_new(NULL);
    g_autoptr(GString) lines = g_string_new(NULL);

    for (guint i = 0; keys[i] != NULL && i < REPAIRS_MAX; i++) {
        g_autofree char *line = g_strdup_printf("%s %s", keys[i], route);
        g_autofree char *word = dm_shell_word(line);
        g_string_append_printf(lines, " %s", word);
        g_string_append(script, script->len > 0 ? "; /^" : "/^");
        append_pattern(script, keys[i]);
        g_string_append(script, "[[:blank:]]/d");
    }
    g_autofree char *script_word = dm_shell_word(script->str);
    if (outdone || !g_strv_contains((const char *const *)tables, table))
        add = put_first(postfix, table);
    const char *own = strchr(rules->config->demail_domains, ':') + 1;
    g_autofree char *own_command =
        g_str_equal(own, file) ? g_strdup_printf(" && demailctl postmap %s", file_word) : g_strdup("");
    return g_strdup_printf("touch %s && sed -i %s %s && printf '%%s\\n'%s >>%s && %s %s%s%s%s", file_word, script_word,
                           file_word, lines->str, file_word, tool, table_word, own_command, add != NULL ? " && " : "",
                           add != NULL ? add : "");
}

/* As if the lines were written. */
static void note_route(DmRules *rules, const char *table, char *const *keys)
{
    g_autofree char *route = our_route(rules->config);

    for (char *const *key = keys; *key != NULL; key++)
        dm_postfix_note(rules->postfix, table, *key, route);
}

static char **current_tables(const DmRules *rules)
{
    return dm_postfix_list(dm_postfix_get(rules->postfix, NULL, "transport_maps"));
}

static void check_divert(DmRules *rules)
{
    g_autofree char *sample = dm_rules_divert_sample(rules->config);
    g_autofree char *own_key = g_strconcat(".", rules->config->divert_domain, NULL);
    g_autofree char *config_file = g_canonicalize_filename(rules->config->file, NULL);
    g_autofree char *folder = g_path_get_dirname(config_file);
    g_autofree char *own_file = g_build_filename(folder, "divert", NULL);
    g_auto(GStrv) tables = current_tables(rules);
    Hit hit;

    find_route(rules->postfix, tables, sample, &hit);
    g_autofree char *hit_key = hit.key;
    g_autofree char *key = g_strdup(hit_key != NULL && hit_key[0] != '*' ? hit_key : own_key);
    if (hit.value != NULL && is_our_route(rules->config, hit.value))
        return;
    gboolean rewrite = hit.value != NULL && table_file(hit.table) != NULL && hit.key[0] != '*';
    g_autofree char *table = rewrite ? g_strdup(hit.table) : choose_table(tables, own_file);
    char *keys[] = {key, NULL};
    g_autofree char *route = our_route(rules->config);
    char *problem = g_strdup_printf("main.cf: transport_maps leads %s to %s instead of %s", sample,
                                    hit.value != NULL ? hit.value : "no transport of its own", route);
    gboolean outdone = hit.value != NULL && !rewrite && hit.key[0] != '*';
    char *command = edit_pattern(rules->postfix, &hit);
    gboolean script = command == NULL;
    if (script) {
        command = write_lines(rules, table, keys, tables, outdone);
        note_route(rules, table, keys);
    }
    add_route(rules, "postfix.divert-route", problem,
              "what demail-milter diverted does not reach demail-poller: every De-Mail bounces", command, script);
}

/* Domains that the barrier does not hold, and the table that has to be mended. */
typedef struct {
    char *table;     /* NULL: there are none */
    GPtrArray *keys; /* of char *: what the table's lines are to be for */
    char *sample;    /* the first of the domains */
    char *value;     /* where transport_maps leads it, or NULL */
    char *edit;      /* opens the table, where lines do not help, or NULL */
    gboolean outdone;
} Gap;

static void note_gap(const DmRules *rules, Gap *gap, const char *domain, const Hit *hit, char *const *tables)
{
    const char *own_file = strchr(rules->config->demail_domains, ':') + 1;
    gboolean wrong = hit->value != NULL && table_file(hit->table) != NULL && hit->key[0] != '*';
    g_autofree char *place = wrong ? g_strdup(hit->table) : choose_table(tables, own_file);

    if (gap->table == NULL) {
        gap->table = g_strdup(place);
        gap->sample = dm_rules_sample(domain);
        gap->value = g_strdup(hit->value);
        gap->edit = edit_pattern(rules->postfix, hit);
    }
    gap->outdone = gap->outdone || (hit->value != NULL && !wrong && hit->key[0] != '*');
    if (g_str_equal(place, gap->table))
        g_ptr_array_add(gap->keys, g_strdup(wrong ? hit->key : domain));
}

/* One finding for all of them. */
static void add_barrier(DmRules *rules, const Gap *gap, char *const *tables)
{
    g_autofree char *route = our_route(rules->config);
    gboolean script = gap->edit == NULL;
    char *problem = g_strdup_printf("main.cf: transport_maps leads the De-Mail domain %s%s to %s instead of %s",
                                    gap->sample, gap->keys->len > 1 ? " and others" : "",
                                    gap->value != NULL ? gap->value : "no transport of its own", route);

    g_ptr_array_add(gap->keys, NULL);
    char **keys = (char **)gap->keys->pdata;
    char *command = script ? write_lines(rules, gap->table, keys, tables, gap->outdone) : g_strdup(gap->edit);
    if (script)
        note_route(rules, gap->table, keys);
    add_route(rules, "postfix.barrier", problem,
              "what gets past demail-milter (an alias, a way in without it) leaves as plain e-mail", command, script);
}

static void check_barrier(DmRules *rules)
{
    g_auto(GStrv) tables = current_tables(rules);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    Gap gap = {.keys = keys};

    for (char **domain = rules->domains; *domain != NULL; domain++) {
        g_autofree char *sample = dm_rules_sample(*domain);
        Hit hit;
        find_route(rules->postfix, tables, sample, &hit);
        g_autofree char *key = hit.key;
        if (hit.value == NULL || !is_our_route(rules->config, hit.value))
            note_gap(rules, &gap, *domain, &hit, tables);
    }
    if (gap.table != NULL)
        add_barrier(rules, &gap, tables);
    g_free(gap.table);
    g_free(gap.sample);
    g_free(gap.value);
    g_free(gap.edit);
}

/* Tables that Postfix can't read, or that are older than their source. TRUE if there is one that can't be read. */
static gboolean check_tables(DmRules *rules)
{
    DmPostfix *postfix = rules->postfix;
    g_auto(GStrv) tables = current_tables(rules);
    g_autofree char *tool = dm_postfix_tool(postfix, "postmap");
    gboolean broken = FALSE;

    for (char **table = tables; *table != NULL; table++) {
        const char *why = g_hash_table_lookup(postfix->broken, *table);
        g_autofree char *word = dm_shell_word(*table);
        if (why != NULL)
            dm_rules_add(rules, DM_CHECK_ERROR, "postfix.table-broken",
                         g_strdup_printf("main.cf: transport_maps has %s, which can't be read: %s", *table, why),
                         "Postfix defers all mail", g_strdup_printf("%s %s", tool, word));
        else if (g_hash_table_contains(postfix->stale, *table))
            dm_rules_add(
                rules, DM_CHECK_WARNING, "postfix.table-stale", g_strdup_printf("%s is older than its source", *table),
                "Postfix does not know what has been written there since", g_strdup_printf("%s %s", tool, word));
        broken = broken || why != NULL;
    }
    return broken;
}

static void check_transport(DmRules *rules)
{
    DmPostfix *postfix = rules->postfix;
    DmPostfixService *service = dm_postfix_service(postfix, TRANSPORT, "unix");

    if (service == NULL || !g_str_equal(service->command, "lmtp")) {
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.transport-missing",
                     service == NULL
                         ? g_strdup("master.cf: there is no transport " TRANSPORT)
                         : g_strdup_printf("master.cf: the transport " TRANSPORT " is %s, not lmtp", service->command),
                     "what demail-milter diverted can't be handed to demail-poller and waits in the queue",
                     dm_postfix_make_service(postfix, TRANSPORT, "unix", TRANSPORT_LINE));
        return;
    }
    if (service->chroot && g_str_has_prefix(rules->config->poller.lmtp, "unix:"))
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.transport-chroot",
                     g_strdup("master.cf: " TRANSPORT "/unix is chrooted and can't reach demail-poller's socket"),
                     "what demail-milter diverted waits in the queue", dm_postfix_leave_chroot(postfix, service));
    if (!g_str_equal(dm_postfix_get(postfix, service, "lmtp_line_length_limit"), "0"))
        dm_rules_add(rules, DM_CHECK_WARNING, "postfix.transport-line-length",
                     g_strdup("master.cf: " TRANSPORT "/unix is without -o lmtp_line_length_limit=0"),
                     "Postfix breaks long lines: the message is another one than the sender's",
                     dm_postfix_set_override(postfix, service, "lmtp_line_length_limit", "0"));
}

static void check_envelope(DmRules *rules)
{
    static const char setting[] = TRANSPORT "_destination_recipient_limit";
    const char *written = dm_postfix_get(rules->postfix, NULL, setting);
    const char *limit =
        written[0] != '\0' ? written : dm_postfix_get(rules->postfix, NULL, "default_destination_recipient_limit");
    char *problem = NULL;

    if (g_ascii_strtoll(limit, NULL, 10) >= RECIPIENTS)
        return;
    problem = g_strdup_printf("main.cf: %s = %s", setting, limit);
    dm_rules_add(rules, DM_CHECK_WARNING, "postfix.transport-recipients", problem,
                 "Postfix cuts a De-Mail to more recipients into several, each submitted for itself",
                 dm_postfix_set(rules->postfix, NULL, setting, G_STRINGIFY(RECIPIENTS)));
}

/* Services that look transports up with tables of their own. */
static void check_rewrite(DmRules *rules)
{
    for (guint i = 0; i < rules->postfix->services->len; i++) {
        DmPostfixService *service = g_ptr_array_index(rules->postfix->services, i);
        if (!g_str_equal(service->command, "trivial-rewrite") || !dm_postfix_overrides(service, "transport_maps"))
            continue;
        char *problem = g_strdup_printf("master.cf: %s/%s has -o transport_maps=%s", service->name, service->type,
                                        dm_postfix_get(rules->postfix, service, "transport_maps"));
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.transport-maps-overridden", problem,
                     "transport_maps of main.cf, with the way to demail-poller and the barrier, has no effect",
                     dm_postfix_drop_override(rules->postfix, service, "transport_maps"));
    }
}

static gboolean is_demail(const DmRules *rules, const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    if (g_str_equal(lower, rules->config->divert_domain))
        return TRUE;
    for (char **domain = rules->domains; *domain != NULL; domain++) {
        if (g_str_equal(lower, *domain) || (**domain == '.' && g_str_has_suffix(lower, *domain)))
            return TRUE;
    }
    return FALSE;
}

/* Domains that Postfix takes for its own: it looks for a mailbox, and refuses. */
static void check_own_domains(DmRules *rules, const char *setting)
{
    g_auto(GStrv) names = dm_postfix_list(dm_postfix_get(rules->postfix, NULL, setting));
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    const char *first = NULL;

    for (char **name = names; *name != NULL; name++) {
        if (!is_demail(rules, *name))
            g_ptr_array_add(kept, *name);
        else if (first == NULL)
            first = *name;
    }
    if (first == NULL)
        return;
    g_ptr_array_add(kept, NULL);
    g_autofree char *value = g_strjoinv(", ", (char **)kept->pdata);
    dm_rules_add(rules, DM_CHECK_ERROR, "postfix.demail-domain-local",
                 g_strdup_printf("main.cf: %s has %s, a De-Mail domain or the divert domain", setting, first),
                 "Postfix takes its recipients for its own and refuses them, or delivers them here, as plain e-mail",
                 dm_postfix_set(rules->postfix, NULL, setting, value));
}

void dm_rules_routes(DmRules *rules)
{
    static const char *const own[] = {"mydestination", "relay_domains", "virtual_alias_domains",
                                      "virtual_mailbox_domains"};

    check_transport(rules);
    check_envelope(rules);
    check_rewrite(rules);
    if (!check_tables(rules)) {
        check_divert(rules);
        check_barrier(rules);
    }
    for (guint i = 0; i < G_N_ELEMENTS(own); i++)
        check_own_domains(rules, own[i]);
}
