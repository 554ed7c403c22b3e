#include "ctl/check/postfix_rules.h"

#include "common/network.h"

#include <string.h>

#define SMTPD_LINE                                                                                                     \
    "%s inet n - n - - smtpd -o syslog_name=postfix/demail-in -o smtpd_milters="                                       \
    " -o smtpd_client_restrictions=permit_mynetworks,reject -o mynetworks=127.0.0.0/8"                                 \
    " -o smtpd_relay_restrictions=reject_unauth_destination -o smtpd_recipient_restrictions="

/* HOST and PORT of smtp://HOST:PORT. */
static char *inject_name(const DmConfig *config)
{
    const char *inject = config->poller.inject;
    const char *scheme = strstr(inject, "://");
    g_autofree char *name = g_strdup(scheme != NULL ? scheme + 3 : inject);

    name[strcspn(name, "/")] = '\0';
    return g_steal_pointer(&name);
}

static const char *port_of(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon != NULL ? colon + 1 : name;
}

static gboolean on_loopback(const char *name)
{
    return g_str_has_prefix(name, "127.") || g_str_has_prefix(name, "localhost:") || g_str_has_prefix(name, "[::1]:");
}

/* The smtpd at the port of [poller] inject. */
static DmPostfixService *find_service(const DmPostfix *postfix, const char *wanted)
{
    for (guint i = 0; i < postfix->services->len; i++) {
        DmPostfixService *service = g_ptr_array_index(postfix->services, i);
        if (g_str_equal(service->command, "smtpd") && g_str_equal(service->type, "inet") &&
            g_str_equal(port_of(service->name), port_of(wanted)))
            return service;
    }
    return NULL;
}

static void check_loopback(DmRules *rules, const DmPostfixService *service, const char *wanted)
{
    const char *interfaces = dm_postfix_get(rules->postfix, service, "inet_interfaces");

    if (on_loopback(service->name) ||
        (strchr(service->name, ':') == NULL &&
         (g_str_equal(interfaces, "127.0.0.1") || g_str_equal(interfaces, "loopback-only"))))
        return;
    g_autofree char *gone = g_strdup_printf("%s/%s", service->name, service->type);
    g_autofree char *line = g_strdup_printf(SMTPD_LINE, wanted);
    g_autofree char *make = dm_postfix_make_service(rules->postfix, wanted, "inet", line);
    g_autofree char *tool = dm_postfix_tool(rules->postfix, "postconf");
    g_autofree char *word = dm_shell_word(gone);
    dm_rules_add(rules, DM_CHECK_ERROR, "postfix.inject-not-loopback",
                 g_strdup_printf("master.cf: %s, the port for received De-Mail, can be reached from other hosts", gone),
                 "whoever connects there can make e-mail look like De-Mail",
                 g_strdup_printf("%s -MX %s && %s", tool, word, make));
}

/* The milter would take the X-de-mail fields away. */
static void check_milter(DmRules *rules, DmPostfixService *service)
{
    g_autofree char *milters = g_strdup(dm_postfix_get(rules->postfix, service, "smtpd_milters"));

    if (milters[0] == '\0')
        return;
    dm_rules_add(rules, DM_CHECK_ERROR, "postfix.inject-with-milter",
                 g_strdup_printf("master.cf: %s/%s, the port for received De-Mail, has smtpd_milters = %s",
                                 service->name, service->type, milters),
                 "demail-milter would take the X-de-mail fields out of received De-Mail",
                 dm_postfix_set_override(rules->postfix, service, "smtpd_milters", ""));
}

/* Whether mynetworks, as Postfix writes networks, has 127.0.0.1. Tables can't be judged. */
static gboolean has_loopback(const char *mynetworks)
{
    g_auto(GStrv) networks = dm_postfix_list(mynetworks);

    for (char **network = networks; *network != NULL; network++) {
        char *one[] = {*network, NULL};
        g_autoptr(GError) error = NULL;
        DmNetworks *parsed = dm_networks_parse(one, &error);
        gboolean inside = parsed != NULL && dm_networks_contain(parsed, "127.0.0.1");
        g_clear_pointer(&parsed, dm_networks_free);
        if (inside || strchr(*network, '/') == *network || (strchr(*network, ':') != NULL && **network != '['))
            return TRUE;
    }
    return FALSE;
}

static void check_clients(DmRules *rules, DmPostfixService *service)
{
    DmPostfix *postfix = rules->postfix;
    const char *restrictions = dm_postfix_get(postfix, service, "smtpd_client_restrictions");
    g_autofree char *networks = g_strdup(dm_postfix_get(postfix, service, "mynetworks"));
    g_auto(GStrv) list = dm_postfix_list(restrictions);

    if (g_strv_contains((const char *const *)list, "reject") && g_str_has_prefix(restrictions, "permit_mynetworks") &&
        !has_loopback(networks))
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.inject-refuses",
                     g_strdup_printf("master.cf: %s/%s, the port for received De-Mail, refuses demail-poller: "
                                     "mynetworks = %s is without 127.0.0.1",
                                     service->name, service->type, networks),
                     "received De-Mail stays at the provider",
                     dm_postfix_set_override(postfix, service, "mynetworks", "127.0.0.0/8"));
    if (g_str_equal(dm_postfix_get(postfix, service, "smtpd_tls_security_level"), "encrypt"))
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.inject-refuses",
                     g_strdup_printf("master.cf: %s/%s, the port for received De-Mail, demands TLS "
                                     "(smtpd_tls_security_level = encrypt), which demail-poller does not speak on "
                                     "loopback",
                                     service->name, service->type),
                     "received De-Mail stays at the provider",
                     dm_postfix_set_override(postfix, service, "smtpd_tls_security_level", "may"));
}

/* Received De-Mail is for Postfix's own domains: what is not shall be refused, so that the catch-all gets it. */
static void check_relay(DmRules *rules, DmPostfixService *service)
{
    g_auto(GStrv) list = dm_postfix_list(dm_postfix_get(rules->postfix, service, "smtpd_relay_restrictions"));

    if (g_strcmp0(list[0], "reject_unauth_destination") == 0 || g_strcmp0(list[0], "defer_unauth_destination") == 0)
        return;
    dm_rules_add(
        rules, DM_CHECK_WARNING, "postfix.inject-relays",
        g_strdup_printf("master.cf: %s/%s, the port for received De-Mail, relays: smtpd_relay_restrictions "
                        "does not begin with reject_unauth_destination",
                        service->name, service->type),
        "a received De-Mail whose recipient maps to a foreign domain leaves as plain e-mail",
        dm_postfix_set_override(rules->postfix, service, "smtpd_relay_restrictions", "reject_unauth_destination"));
}

static void check_filter(DmRules *rules, DmPostfixService *service)
{
    static const char *const settings[] = {"content_filter", "smtpd_proxy_filter"};

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autofree char *filter = g_strdup(dm_postfix_get(rules->postfix, service, settings[i]));
        if (filter[0] != '\0')
            dm_rules_add(rules, DM_CHECK_WARNING, "postfix.inject-filtered",
                         g_strdup_printf("master.cf: %s/%s, the port for received De-Mail, has %s = %s", service->name,
                                         service->type, settings[i], filter),
                         "coming back from the filter the message passes demail-milter, which takes the X-de-mail "
                         "fields out",
                         dm_postfix_set_override(rules->postfix, service, settings[i], ""));
    }
}

void dm_rules_find_inject(DmRules *rules)
{
    g_autofree char *wanted = inject_name(rules->config);

    rules->inject = find_service(rules->postfix, wanted);
}

void dm_rules_inject(DmRules *rules)
{
    g_autofree char *wanted = inject_name(rules->config);
    DmPostfixService *service = rules->inject;

    if (service == NULL) {
        g_autofree char *line = g_strdup_printf(SMTPD_LINE, wanted);
        dm_rules_add(rules, DM_CHECK_ERROR, "postfix.inject-missing",
                     g_strdup_printf("master.cf: there is no smtpd at %s, [poller] inject", wanted),
                     "received De-Mail stays at the provider",
                     dm_postfix_make_service(rules->postfix, wanted, "inet", line));
        return;
    }
    check_loopback(rules, service, wanted);
    check_milter(rules, service);
    check_clients(rules, service);
    check_relay(rules, service);
    check_filter(rules, service);
}
