#include "ctl/check/sendmail.h"

#include "ctl/check/finding.h"

#include <string.h>

#define EXAMPLE "/usr/share/doc/demail-milter/examples/sendmail/demail.m4"
#define DAY     86400

typedef struct {
    const DmSendmail *sendmail;
    const DmConfig *config;
    GPtrArray *findings;
    char **lines;       /* of the .cf, continued lines joined */
    const char *mc;     /* quoted for a shell, as the next two */
    const char *m4;     /* demail.m4 */
    const char *remake; /* makes sendmail.cf and has Sendmail read it */
    gboolean included;  /* sendmail.mc includes demail.m4 */
    char *filter;       /* name of our milter, or NULL */
} Rules;

/* Lines that begin with white space continue the one before. */
static char **split_lines(const char *cf)
{
    g_auto(GStrv) lines = g_strsplit(cf, "\n", -1);
    GPtrArray *joined = g_ptr_array_new();

    for (char **line = lines; *line != NULL; line++) {
        if ((**line == ' ' || **line == '\t') && joined->len > 0) {
            char *before = joined->pdata[joined->len - 1];
            joined->pdata[joined->len - 1] = g_strconcat(before, " ", g_strstrip(*line), NULL);
            g_free(before);
        } else if (**line != '#') {
            g_ptr_array_add(joined, g_strdup(*line));
        }
    }
    g_ptr_array_add(joined, NULL);
    return (char **)g_ptr_array_free(joined, FALSE);
}

/* The value of KEY=VALUE in a list separated by commas, or NULL. g_free(). */
static char *field(const char *list, const char *key)
{
    g_auto(GStrv) parts = g_strsplit(list, ",", -1);

    for (char **part = parts; *part != NULL; part++) {
        char *text = g_strstrip(*part);
        char *equals = strchr(text, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        if (g_ascii_strcasecmp(g_strstrip(text), key) == 0)
            return g_strdup(g_strstrip(equals + 1));
    }
    return NULL;
}

static char *option_of(char *const *lines, const char *name)
{
    g_autofree char *prefix = g_strdup_printf("O %s=", name);

    for (char *const *line = lines; *line != NULL; line++) {
        if (g_ascii_strncasecmp(*line, prefix, strlen(prefix)) == 0)
            return g_strstrip(g_strdup(*line + strlen(prefix)));
    }
    return NULL;
}

char *dm_sendmail_option(const char *cf, const char *name)
{
    g_auto(GStrv) lines = split_lines(cf);

    return option_of(lines, name);
}

char *dm_sendmail_barrier(const char *cf)
{
    g_auto(GStrv) lines = split_lines(cf);

    for (char **line = lines; *line != NULL; line++) {
        const char *slash = g_str_has_prefix(*line, "Kdemail_domains") ? strchr(*line, '/') : NULL;
        if (slash != NULL)
            return g_strstrip(g_strdup(slash));
    }
    return NULL;
}

static void add(const Rules *rules, DmCheckSeverity severity, const char *code, char *problem, const char *why,
                char *command)
{
    dm_check_findings_add(
        rules->findings,
        (DmCheckFinding){.code = code, .severity = severity, .problem = problem, .why = why, .command = command});
}

/* sed(1) on a file (quoted), then a new sendmail.cf. */
static char *edit(const Rules *rules, const char *file, const char *script)
{
    g_autofree char *word = dm_shell_word(script);

    return g_strdup_printf("sed -i %s %s && %s", word, file, rules->remake);
}

/* A define() at the end of sendmail.mc (quoted), then a new sendmail.cf. */
static char *define(const char *mc, const char *remake, const char *name, const char *value)
{
    g_autofree char *line = g_strdup_printf("define(`%s', `%s')dnl", name, value);
    g_autofree char *word = dm_shell_word(line);

    return g_strdup_printf("printf '%%s\\n' %s >>%s && %s", word, mc, remake);
}

/* demail.m4 made part of sendmail.mc; where it is already, as the package has it. */
static char *include_m4(const Rules *rules)
{
    g_autofree char *line = g_strdup_printf("include(`%s')dnl", rules->m4);
    g_autofree char *word = dm_shell_word(line);

    if (rules->included)
        return g_strdup_printf("cp " EXAMPLE " %s && %s", rules->m4, rules->remake);
    return g_strdup_printf("printf '%%s\\n' %s >>%s && %s", word, rules->mc, rules->remake);
}

/* ---- the milter ---- */

static const char *host_of(const char *socket)
{
    const char *at = strchr(socket, '@');

    return at != NULL ? at + 1 : "";
}

/* Both as libmilter writes sockets. */
static gboolean same_socket(const char *one, const char *other)
{
    static const char *const here[] = {"127.0.0.1", "localhost", "0.0.0.0", NULL};
    g_autofree char *one_port = g_strndup(one, strcspn(one, "@"));
    g_autofree char *other_port = g_strndup(other, strcspn(other, "@"));

    return g_str_equal(one, other) || (g_str_equal(one_port, other_port) && g_strv_contains(here, host_of(one)) &&
                                       g_strv_contains(here, host_of(other)));
}

static void check_filter(Rules *rules)
{
    const char *socket = rules->config->milter.socket;
    g_autofree char *fix =
        g_strdup_printf("/^INPUT_MAIL_FILTER(.demail./s|S=[^,')]*\\(, *F=[^,')]*\\)*|S=%s, F=T|", socket);
    gboolean named = FALSE;

    for (char **line = rules->lines; *line != NULL; line++) {
        if ((*line)[0] != 'X')
            continue;
        g_autofree char *address = field(*line, "S");
        g_autofree char *flags = field(*line, "F");
        g_autofree char *name = g_strndup(*line + 1, strcspn(*line + 1, ", \t"));
        named = named || g_str_equal(name, "demail");
        if (address == NULL || !same_socket(address, socket))
            continue;
        rules->filter = g_strdup(name);
        if (flags == NULL || strpbrk(flags, "TR4") == NULL)
            add(rules, DM_CHECK_ERROR, "sendmail.milter-flags",
                g_strdup_printf("%s: filter %s is without F=T", rules->sendmail->cf_file, name),
                "while demail-milter is down, De-Mail goes by it undecided: it bounces, and X-de-mail fields that "
                "somebody forged get in",
                edit(rules, rules->m4, fix));
        return;
    }
    add(rules, DM_CHECK_ERROR, named ? "sendmail.milter-address" : "sendmail.milter-missing",
        g_strdup_printf("%s: no filter (X) has S=%s, where demail-milter listens", rules->sendmail->cf_file, socket),
        "De-Mail can't be sent, and X-de-mail fields that somebody forged get in",
        named && rules->included ? edit(rules, rules->m4, fix) : include_m4(rules));
}

static gboolean lists(const char *filters, const char *name)
{
    g_auto(GStrv) names = g_strsplit_set(filters, ",; ", -1);

    return name != NULL && g_strv_contains((const char *const *)names, name);
}

static void check_filter_list(const Rules *rules)
{
    g_autofree char *filters = option_of(rules->lines, "InputMailFilters");

    if (rules->filter == NULL || (filters != NULL && lists(filters, rules->filter)))
        return;
    g_autofree char *line =
        g_strdup_printf("define(`confINPUT_MAIL_FILTERS', `%s%s%s')dnl", filters != NULL ? filters : "",
                        filters != NULL && filters[0] != '\0' ? "," : "", rules->filter);
    g_autofree char *word = dm_shell_word(line);
    add(rules, DM_CHECK_ERROR, "sendmail.milter-unused",
        g_strdup_printf("%s: InputMailFilters does not name %s", rules->sendmail->cf_file, rules->filter),
        "De-Mail can't be sent, and X-de-mail fields that somebody forged get in",
        g_strdup_printf("printf '%%s\\n' %s >>%s && %s", word, rules->mc, rules->remake));
}

/* ---- ports ---- */

static void check_inject(const Rules *rules, const char *daemon, const char *port)
{
    g_autofree char *address = field(daemon, "Addr");
    g_autofree char *filters = field(daemon, "InputMailFilters");
    g_autofree char *fix = g_strdup_printf("/^DAEMON_OPTIONS(.*Port=%s\\([,')]\\|$\\)/s|(.*|(`Name=demail-in, "
                                           "Addr=127.0.0.1, Port=%s, InputMailFilters=')dnl|",
                                           port, port);

    if (address == NULL ||
        !(g_str_has_prefix(address, "127.") || g_str_equal(address, "::1") || g_str_equal(address, "localhost")))
        add(rules, DM_CHECK_ERROR, "sendmail.inject-not-loopback",
            g_strdup_printf("%s: port %s, for received De-Mail, can be reached from other hosts",
                            rules->sendmail->cf_file, port),
            "whoever connects there can make e-mail look like De-Mail", edit(rules, rules->m4, fix));
    else if (filters == NULL || lists(filters, rules->filter))
        add(rules, DM_CHECK_ERROR, "sendmail.inject-with-milter",
            g_strdup_printf("%s: port %s, for received De-Mail, is without InputMailFilters=", rules->sendmail->cf_file,
                            port),
            "demail-milter would take the X-de-mail fields out of received De-Mail", edit(rules, rules->m4, fix));
}

static void check_port(const Rules *rules, const char *daemon)
{
    g_autofree char *filters = field(daemon, "InputMailFilters");
    g_autofree char *name = field(daemon, "Name");

    if (filters == NULL || rules->filter == NULL || lists(filters, rules->filter))
        return;
    g_autofree char *fix =
        g_strdup_printf("/^DAEMON_OPTIONS(.*Name=%s[,')]/s|, *InputMailFilters=[^,')]*||", name != NULL ? name : "");
    add(rules, DM_CHECK_ERROR, "sendmail.port-without-milter",
        g_strdup_printf("%s: DaemonPortOptions=%s goes by demail-milter", rules->sendmail->cf_file, daemon),
        "what comes in there can't be sent as De-Mail, and X-de-mail fields that somebody forged get in",
        edit(rules, rules->mc, fix));
}

static void check_ports(const Rules *rules)
{
    static const char prefix[] = "O DaemonPortOptions=";
    const char *colon = strrchr(rules->config->poller.inject, ':');
    g_autofree char *port = g_strndup(colon + 1, strcspn(colon + 1, "/"));
    gboolean found = FALSE;

    for (char **line = rules->lines; *line != NULL; line++) {
        if (!g_str_has_prefix(*line, prefix))
            continue;
        const char *daemon = *line + strlen(prefix);
        g_autofree char *own = field(daemon, "Port");
        if (g_strcmp0(own, port) == 0) {
            found = TRUE;
            check_inject(rules, daemon, port);
        } else {
            check_port(rules, daemon);
        }
    }
    if (!found)
        add(rules, DM_CHECK_ERROR, "sendmail.inject-missing",
            g_strdup_printf("%s: no DaemonPortOptions has Port=%s, [poller] inject", rules->sendmail->cf_file, port),
            "received De-Mail stays at the provider", include_m4(rules));
}

/* ---- the way out ---- */

static void check_mailer(const Rules *rules)
{
    const char *lmtp = rules->config->poller.lmtp;
    gboolean local = g_str_has_prefix(lmtp, "unix:");
    g_autofree char *path = g_strdelimit(g_strdup(strchr(lmtp, ':') + 1), local ? "" : ":", ' ');
    g_autofree char *wanted = g_strdup_printf("%s %s", local ? "FILE" : "TCP", path);
    g_autofree char *fix = g_strdup_printf("/^Mdemail/,/A=/s|A=[FT][A-Z]* .*|A=%s|", wanted);
    g_autofree char *arguments = NULL;

    for (char **line = rules->lines; *line != NULL && arguments == NULL; line++) {
        if (g_str_has_prefix(*line, "Mdemail,"))
            arguments = field(*line, "A");
    }
    if (arguments == NULL)
        add(rules, DM_CHECK_ERROR, "sendmail.mailer-missing",
            g_strdup_printf("%s: there is no mailer demail", rules->sendmail->cf_file),
            "what demail-milter diverted does not reach demail-poller: every De-Mail bounces", include_m4(rules));
    else if (!g_str_equal(arguments, wanted))
        add(rules, DM_CHECK_ERROR, "sendmail.mailer-address",
            g_strdup_printf("%s: the mailer demail has A=%s instead of A=%s", rules->sendmail->cf_file, arguments,
                            wanted),
            "what demail-milter diverted does not reach demail-poller", edit(rules, rules->m4, fix));
}

static void check_routes(const Rules *rules)
{
    const char *domain = rules->config->divert_domain;
    g_autofree char *divert = g_strconcat(".", domain, NULL);
    g_autofree char *fix =
        g_strdup_printf("s|^\\(R< $+ \\.\\)[^ ]*\\( > $\\*[[:blank:]]*$@ < demail > $2\\)|\\1%s\\2|; "
                        "s|^\\(R< \\)[^ $]*\\( > $\\*[[:blank:]]*$@ < demail > $1\\)|\\1%s\\2|",
                        domain, domain);
    gboolean routed = FALSE;
    gboolean diverted = FALSE;

    for (char **line = rules->lines; *line != NULL; line++) {
        routed = routed || ((*line)[0] == 'R' && strstr(*line, "$#demail") != NULL);
        diverted = diverted || ((*line)[0] == 'R' && strstr(*line, divert) != NULL);
    }
    if (!routed || !diverted)
        add(rules, DM_CHECK_ERROR, "sendmail.divert-route",
            g_strdup_printf("%s: no rule leads %s to the mailer demail", rules->sendmail->cf_file, divert),
            "what demail-milter diverted does not reach demail-poller: every De-Mail bounces",
            !routed ? include_m4(rules) : edit(rules, rules->m4, fix));
}

static void check_barrier(const Rules *rules)
{
    char *const *missing = rules->sendmail->missing;
    g_autoptr(GString) lines = g_string_new(NULL);

    if (rules->sendmail->barrier == NULL) {
        add(rules, DM_CHECK_ERROR, "sendmail.barrier",
            g_strdup_printf("%s: there is no map demail_domains", rules->sendmail->cf_file),
            "what gets past demail-milter (an alias, a way in without it) leaves as plain e-mail", include_m4(rules));
        return;
    }
    for (char *const *domain = missing; *domain != NULL; domain++) {
        g_autofree char *line = g_strdup_printf("%s demail:%s", *domain, rules->config->poller.lmtp);
        g_autofree char *word = dm_shell_word(line);
        g_string_append_printf(lines, " %s", word);
    }
    g_autofree char *file = dm_shell_word(rules->sendmail->barrier);
    if (missing[0] != NULL)
        add(rules, DM_CHECK_ERROR, "sendmail.barrier",
            g_strdup_printf("%s, the source of the barrier, is without the De-Mail domain %s%s",
                            rules->sendmail->barrier, missing[0], missing[1] != NULL ? " and others" : ""),
            "what gets past demail-milter (an alias, a way in without it) leaves as plain e-mail",
            g_strdup_printf("printf '%%s\\n'%s >>%s", lines->str, file));
}

/* ---- limits ---- */

static void check_limits(const Rules *rules)
{
    g_autofree char *mime = option_of(rules->lines, "MaxMimeHeaderLength");
    g_autofree char *lifetime = option_of(rules->lines, "Timeout.queuereturn");
    gint64 days = lifetime != NULL ? g_ascii_strtoll(lifetime, NULL, 10) : 0;
    gint64 most = rules->config->stamp_max_age / DAY;
    g_autofree char *longest = g_strdup_printf("%" G_GINT64_FORMAT "d", most);

    if (mime == NULL || !(g_str_equal(mime, "0/0") || g_str_equal(mime, "0")))
        add(rules, DM_CHECK_WARNING, "sendmail.mime-header",
            g_strdup_printf("%s: MaxMimeHeaderLength is not 0/0", rules->sendmail->cf_file),
            "Sendmail changes multipart bodies: the message is another one than the sender's",
            define(rules->mc, rules->remake, "confMAX_MIME_HEADER_LENGTH", "0/0"));
    if (lifetime != NULL && g_str_has_suffix(lifetime, "d") && days > most)
        add(rules, DM_CHECK_WARNING, "sendmail.queue-lifetime",
            g_strdup_printf("%s: Timeout.queuereturn=%s is longer than stamp_max_age", rules->sendmail->cf_file,
                            lifetime),
            "a De-Mail that waits longer than the stamp lives is refused, although Sendmail would still try",
            define(rules->mc, rules->remake, "confTO_QUEUERETURN", longest));
}

/* The path in "include(`PATH/demail.m4')", or NULL. */
static char *find_include(const char *mc)
{
    const char *end = mc != NULL ? strstr(mc, "/demail.m4'") : NULL;
    const char *begin = end;

    while (begin != NULL && begin > mc && begin[-1] != '`' && begin[-1] != '\n')
        begin--;
    return end != NULL ? g_strndup(begin, (gsize)(end - begin) + strlen("/demail.m4")) : NULL;
}

static char *make_remake(const char *cf_file, char *const *lines)
{
    g_autofree char *folder = g_path_get_dirname(cf_file);
    g_autofree char *word = dm_shell_word(folder);
    g_autofree char *pid = option_of(lines, "PidFile");
    g_autofree char *pid_word = dm_shell_word(pid != NULL ? pid : "/run/sendmail/mta/sendmail.pid");

    return g_strdup_printf("make -C %s && kill -HUP \"$(head -n 1 %s)\"", word, pid_word);
}

void dm_rules_sendmail(const DmSendmail *sendmail, const DmConfig *config, GPtrArray *findings)
{
    g_auto(GStrv) lines = split_lines(sendmail->cf);
    g_autofree char *included = find_include(sendmail->mc);
    g_autofree char *m4 = dm_shell_word(included != NULL ? included : "/etc/demail/demail.m4");
    g_autofree char *mc_file = dm_sendmail_mc(sendmail->cf_file);
    g_autofree char *mc = dm_shell_word(mc_file);
    g_autofree char *remake = make_remake(sendmail->cf_file, lines);
    Rules rules = {.sendmail = sendmail,
                   .config = config,
                   .findings = findings,
                   .lines = lines,
                   .mc = mc,
                   .m4 = m4,
                   .remake = remake,
                   .included = included != NULL};

    check_filter(&rules);
    check_filter_list(&rules);
    check_ports(&rules);
    check_mailer(&rules);
    check_routes(&rules);
    check_barrier(&rules);
    check_limits(&rules);
    g_free(rules.filter);
}

char *dm_sendmail_set_size(const char *cf_file, gint64 size)
{
    g_autofree char *cf = NULL;
    g_autofree char *mc_file = dm_sendmail_mc(cf_file);
    g_autofree char *mc = dm_shell_word(mc_file);
    g_autofree char *value = g_strdup_printf("%" G_GINT64_FORMAT, size);

    if (!g_file_get_contents(cf_file, &cf, NULL, NULL))
        cf = g_strdup("");
    g_auto(GStrv) lines = split_lines(cf);
    g_autofree char *remake = make_remake(cf_file, lines);
    return define(mc, remake, "confMAX_MESSAGE_SIZE", value);
}
