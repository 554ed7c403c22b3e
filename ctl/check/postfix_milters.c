#include "ctl/check/postfix_rules.h"

#include <string.h>

#define PROTOCOL_MIN   6
#define DEFAULT_SOCKET "inet:8895@127.0.0.1"

/* One element of a list of milters: "inet:h:p", or "{ inet:h:p, default_action=accept }". Parts: the address first. */
static char **parse_item(const char *item)
{
    gsize length = strlen(item);

    if (item[0] != '{' || length < 2)
        return g_strdupv((char *[]){(char *)item, NULL});
    g_autofree char *inner = g_strndup(item + 1, length - 2);
    g_auto(GStrv) words = g_strsplit_set(inner, ", \t", -1);
    GPtrArray *parts = g_ptr_array_new();
    for (char **word = words; *word != NULL; word++) {
        if (**word != '\0')
            g_ptr_array_add(parts, g_strdup(*word));
    }
    g_ptr_array_add(parts, NULL);
    return (char **)g_ptr_array_free(parts, FALSE);
}

char **dm_rules_milter_addresses(const char *list)
{
    g_auto(GStrv) items = dm_postfix_list(list);
    GPtrArray *addresses = g_ptr_array_new();

    for (char **item = items; *item != NULL; item++) {
        g_auto(GStrv) parts = parse_item(*item);
        if (parts[0] != NULL)
            g_ptr_array_add(addresses, g_strdup(parts[0]));
    }
    g_ptr_array_add(addresses, NULL);
    return (char **)g_ptr_array_free(addresses, FALSE);
}

/* FALSE where a service manager opens the socket ("fd:N"). */
static gboolean knows_address(const DmConfig *config)
{
    return g_str_has_prefix(config->milter.socket, "inet") || g_str_has_prefix(config->milter.socket, "unix:");
}

/* The socket of demail-milter, which libmilter calls inet:PORT@HOST, as Postfix writes it. */
static char *our_address(const DmConfig *config)
{
    const char *socket = knows_address(config) ? config->milter.socket : DEFAULT_SOCKET;
    const char *colon = strchr(socket, ':');
    const char *at = strchr(socket, '@');

    if (!g_str_has_prefix(socket, "inet") || colon == NULL || at == NULL)
        return g_strdup(socket);
    const char *host = at + 1;
    gboolean bare6 = strchr(host, ':') != NULL && host[0] != '[';
    if (g_str_equal(host, "0.0.0.0"))
        host = "127.0.0.1";
    return g_strdup_printf("inet:%s%s%s:%.*s", bare6 ? "[" : "", host, bare6 ? "]" : "", (int)(at - colon - 1),
                           colon + 1);
}

static gboolean same_host(const char *one, const char *other)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "0.0.0.0", NULL};

    return g_ascii_strcasecmp(one, other) == 0 || (g_strv_contains(here, one) && g_strv_contains(here, other));
}

static gboolean same_inet(const char *one, const char *other)
{
    const char *one_port = strrchr(one, ':');
    const char *other_port = strrchr(other, ':');

    if (!g_str_has_prefix(one, "inet:") || !g_str_has_prefix(other, "inet:") || one_port < one + 5 ||
        other_port < other + 5 || !g_str_equal(one_port, other_port))
        return FALSE;
    g_autofree char *one_host = g_strndup(one + 5, (gsize)(one_port - one - 5));
    g_autofree char *other_host = g_strndup(other + 5, (gsize)(other_port - other - 5));
    return same_host(one_host, other_host);
}

/* The file that a service opens for "unix:PATH". */
static char *real_path(const DmPostfix *postfix, gboolean chroot, const char *path)
{
    if (path[0] == '/' && !chroot)
        return g_canonicalize_filename(path, "/");
    g_autofree char *below = g_build_filename(dm_postfix_get(postfix, NULL, "queue_directory"), path, NULL);
    return g_canonicalize_filename(below, "/");
}

static gboolean is_ours(const DmRules *rules, gboolean chroot, const char *address)
{
    g_autofree char *ours = our_address(rules->config);

    if (!knows_address(rules->config))
        return TRUE;
    if (!g_str_has_prefix(ours, "unix:"))
        return same_inet(address, ours);
    if (!g_str_has_prefix(address, "unix:"))
        return FALSE;
    g_autofree char *path = real_path(rules->postfix, chroot, address + 5);
    g_autofree char *wanted = g_canonicalize_filename(ours + 5, "/");
    return g_str_equal(path, wanted);
}

/* The first item of the list that is our milter, or NULL. */
static char *find_ours(const DmRules *rules, gboolean chroot, const char *list)
{
    g_auto(GStrv) items = dm_postfix_list(list);

    for (char **item = items; *item != NULL; item++) {
        g_auto(GStrv) parts = parse_item(*item);
        if (parts[0] != NULL && is_ours(rules, chroot, parts[0]))
            return g_strdup(*item);
    }
    return NULL;
}

/* The list with our milter in the place of one that nobody answers at, or else behind all others. */
static char *with_ours(const DmRules *rules, const char *list)
{
    g_autofree char *ours = our_address(rules->config);
    g_auto(GStrv) items = dm_postfix_list(list);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();

    for (char **item = items; *item != NULL; item++) {
        g_auto(GStrv) parts = parse_item(*item);
        if (parts[0] == NULL || !g_hash_table_contains(rules->postfix->dead, parts[0]))
            g_ptr_array_add(kept, *item);
    }
    g_ptr_array_add(kept, ours);
    g_ptr_array_add(kept, NULL);
    return g_strjoinv(", ", (char **)kept->pdata);
}

static gboolean is_loopback(const DmPostfix *postfix, const DmPostfixService *service)
{
    const char *interfaces = dm_postfix_get(postfix, service, "inet_interfaces");

    return g_str_has_prefix(service->name, "127.") || g_str_has_prefix(service->name, "localhost:") ||
           g_str_has_prefix(service->name, "[::1]:") ||
           (strchr(service->name, ':') == NULL &&
            (g_str_equal(interfaces, "loopback-only") || g_str_equal(interfaces, "127.0.0.1")));
}

/* With a Unix socket: the service finds it only outside of its chroot. TRUE if that is what was wrong. */
static gboolean check_chroot(DmRules *rules, DmPostfixService *service, const char *setting, const char *list)
{
    g_autofree char *outside = service->chroot ? find_ours(rules, FALSE, list) : NULL;

    if (outside == NULL)
        return FALSE;
    dm_rules_add(rules, DM_CHECK_ERROR, "postfix.milter-chroot",
                 g_strdup_printf("master.cf: %s/%s is chrooted, so %s names %s below %s, where demail-milter is not",
                                 service->name, service->type, setting, outside,
                                 dm_postfix_get(rules->postfix, NULL, "queue_directory")),
                 "Postfix can't reach the milter and takes no mail there",
                 dm_postfix_leave_chroot(rules->postfix, service));
    return TRUE;
}

static void add_milter(DmRules *rules, DmPostfixService *service, const char *setting, const char *code,
                       DmCheckSeverity severity, const char *why)
{
    DmPostfix *postfix = rules->postfix;
    const char *source = dm_postfix_source(postfix, service, setting);
    g_autofree char *place = dm_rules_place(service, setting);
    g_autofree char *ours = our_address(rules->config);
    g_autofree char *value = with_ours(rules, source);
    g_autofree char *main_list = find_ours(rules, service->chroot, dm_postfix_get(postfix, NULL, setting));
    char *problem = g_strdup_printf("%s: %s = %s: without demail-milter (%s), so service %s/%s goes by it", place,
                                    setting, source, ours, service->name, service->type);
    gboolean drop = source[0] == '\0' && dm_postfix_overrides(service, setting) && main_list != NULL;
    char *command =
        drop ? dm_postfix_drop_override(postfix, service, setting) : dm_postfix_set(postfix, service, setting, value);

    dm_rules_add(rules, severity, code, problem, why, command);
}

static const char action_why[] = "while demail-milter is down, De-Mail goes by it undecided: it bounces, and X-de-mail "
                                 "fields that somebody forged get in";

static gboolean fails_closed(const char *action)
{
    static const char *const closed[] = {"tempfail", "shutdown", "reject", NULL};

    return g_strv_contains(closed, action);
}

/* A "default_action=accept" within the item, or the one that the service has for all. */
static void check_action(DmRules *rules, DmPostfixService *service, const char *setting, const char *item)
{
    g_auto(GStrv) parts = parse_item(item);
    const char *action = NULL;
    DmPostfix *postfix = rules->postfix;

    for (char **part = parts; *part != NULL; part++) {
        if (g_str_has_prefix(*part, "default_action="))
            action = *part + strlen("default_action=");
    }
    if (action == NULL) {
        g_autofree char *common = g_strdup(dm_postfix_get(postfix, service, "milter_default_action"));
        if (!fails_closed(common)) {
            g_autofree char *place = dm_rules_place(service, "milter_default_action");
            dm_rules_add(rules, DM_CHECK_ERROR, "postfix.milter-default-action",
                         g_strdup_printf("%s: milter_default_action = %s", place, common), action_why,
                         dm_postfix_set(postfix, service, "milter_default_action", "tempfail"));
        }
    } else if (!fails_closed(action)) {
        g_autofree char *place = dm_rules_place(service, setting);
        g_autofree char *wrong = g_strdup_printf("default_action=%s", action);
        g_auto(GStrv) pieces = g_strsplit(dm_postfix_source(postfix, service, setting), wrong, -1);
        g_autofree char *value = g_strjoinv("default_action=tempfail", pieces);
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.milter-default-action",
                     g_strdup_printf("%s: %s has %s", place, setting, item), action_why,
                     dm_postfix_set(postfix, service, setting, value));
    }
}

static void check_protocol(DmRules *rules, DmPostfixService *service)
{
    g_autofree char *place = dm_rules_place(service, "milter_protocol");
    g_autofree char *protocol = g_strdup(dm_postfix_get(rules->postfix, service, "milter_protocol"));

    if (g_ascii_strtoull(protocol, NULL, 10) < PROTOCOL_MIN)
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.milter-protocol",
                     g_strdup_printf("%s: milter_protocol = %s", place, protocol),
                     "demail-milter needs version 6 and refuses every session with an older one",
                     dm_postfix_set(rules->postfix, service, "milter_protocol", "6"));
}

/* The milter in `setting` of a service that serves a way in. */
static void check_list(DmRules *rules, DmPostfixService *service, const char *setting, const char *code,
                       DmCheckSeverity severity, const char *why)
{
    g_autofree char *list = g_strdup(dm_postfix_get(rules->postfix, service, setting));
    g_autofree char *named = find_ours(rules, service->chroot, list);

    if (named == NULL && !check_chroot(rules, service, setting, list))
        add_milter(rules, service, setting, code, severity, why);
    g_autofree char *item = find_ours(rules, service->chroot, dm_postfix_get(rules->postfix, service, setting));
    if (item != NULL)
        check_action(rules, service, setting, item);
    check_protocol(rules, service);
}

/* A way in that has been told to do without milters, or without aliases. */
static void check_override_options(DmRules *rules, DmPostfixService *service)
{
    static const char setting[] = "receive_override_options";
    DmPostfix *postfix = rules->postfix;
    g_auto(GStrv) options = dm_postfix_list(dm_postfix_get(postfix, service, setting));
    g_autoptr(GPtrArray) kept = g_ptr_array_new();

    if (!g_strv_contains((const char *const *)options, "no_milters"))
        return;
    for (char **option = options; *option != NULL; option++) {
        if (!g_str_equal(*option, "no_milters"))
            g_ptr_array_add(kept, *option);
    }
    g_ptr_array_add(kept, NULL);
    g_autofree char *value = g_strjoinv(",", (char **)kept->pdata);
    g_autofree char *place = dm_rules_place(service, setting);
    dm_rules_add(rules, DM_CHECK_ERROR, "postfix.no-milters",
                 g_strdup_printf("%s: %s has no_milters, so service %s/%s goes by demail-milter", place, setting,
                                 service->name, service->type),
                 "what comes in there can't be sent as De-Mail, and X-de-mail fields that somebody forged get in",
                 dm_postfix_set(postfix, service, setting, value));
}

static void check_smtpd(DmRules *rules, DmPostfixService *service)
{
    check_list(rules, service, "smtpd_milters", "postfix.smtpd-without-milter",
               is_loopback(rules->postfix, service) ? DM_CHECK_WARNING : DM_CHECK_ERROR,
               "what comes in there can't be sent as De-Mail, and X-de-mail fields that somebody forged get in");
    g_autofree char *maps = g_strdup(dm_postfix_get(rules->postfix, service, "smtpd_milter_maps"));
    if (maps[0] != '\0') {
        g_autofree char *place = dm_rules_place(service, "smtpd_milter_maps");
        dm_rules_add(rules, DM_CHECK_WARNING, "postfix.milter-maps",
                     g_strdup_printf("%s: smtpd_milter_maps = %s", place, maps),
                     "it lets clients go by demail-milter, which can't be seen here",
                     dm_postfix_set(rules->postfix, service, "smtpd_milter_maps", ""));
    }
}

void dm_rules_milters(DmRules *rules)
{
    for (guint i = 0; i < rules->postfix->services->len; i++) {
        DmPostfixService *service = g_ptr_array_index(rules->postfix->services, i);
        if (service == rules->inject)
            continue;
        if (g_str_equal(service->command, "smtpd"))
            check_smtpd(rules, service);
        if (g_str_equal(service->command, "cleanup"))
            check_list(rules, service, "non_smtpd_milters", "postfix.non-smtpd-without-milter", DM_CHECK_ERROR,
                       "what sendmail(1) hands in can't be sent as De-Mail: it bounces");
        if (g_str_equal(service->command, "smtpd") || g_str_equal(service->command, "pickup") ||
            g_str_equal(service->command, "qmqpd"))
            check_override_options(rules, service);
    }
}
