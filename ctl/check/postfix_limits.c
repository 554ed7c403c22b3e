#include "ctl/check/postfix_rules.h"

#include <string.h>

#define DAY 86400

/* Restrictions that ask the DNS, or the next host, for the recipient: De-Mail domains have no MX. */
static const char *const lookups[] = {"reject_unknown_recipient_domain", "reject_unverified_recipient", NULL};

static const char *const lists[] = {"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions",
                                    "smtpd_relay_restrictions", "smtpd_recipient_restrictions"};

/* Whether the restriction lets those by who may send De-Mail. */
static gboolean lets_by(const char *restriction, gboolean authenticated)
{
    return g_str_equal(restriction, "permit") || g_str_equal(restriction, "reject") ||
           g_str_equal(restriction, authenticated ? "permit_sasl_authenticated" : "permit_mynetworks");
}

/* The list with element `from` behind the first that lets by; with such elements before it if there is none. */
static char *reorder(char **list, guint from, gboolean authenticated)
{
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    gboolean later = FALSE;
    gboolean moved = FALSE;

    for (guint i = from + 1; list[i] != NULL; i++)
        later = later || (lets_by(list[i], authenticated) && !g_str_equal(list[i], "reject"));
    for (guint i = 0; list[i] != NULL; i++) {
        if (i == from && !later) {
            g_ptr_array_add(order, (gpointer) "permit_mynetworks");
            g_ptr_array_add(order, (gpointer) "permit_sasl_authenticated");
        }
        if (i != from || !later)
            g_ptr_array_add(order, list[i]);
        if (i > from && later && !moved && lets_by(list[i], authenticated)) {
            g_ptr_array_add(order, list[from]);
            moved = TRUE;
        }
    }
    g_ptr_array_add(order, NULL);
    return g_strjoinv(", ", (char **)order->pdata);
}

static void check_list(DmRules *rules, DmPostfixService *service, const char *setting)
{
    gboolean authenticated = g_str_equal(dm_postfix_get(rules->postfix, service, "smtpd_sasl_auth_enable"), "yes");
    gboolean open = FALSE;
    g_auto(GStrv) list = dm_postfix_list(dm_postfix_get(rules->postfix, service, setting));

    for (guint i = 0; list[i] != NULL && !open; i++) {
        if (g_strv_contains(lookups, list[i])) {
            g_autofree char *place = dm_rules_place(service, setting);
            g_autofree char *value = reorder(list, i, authenticated);
            dm_rules_add(rules, DM_CHECK_ERROR, "postfix.restriction-refuses-demail",
                         g_strdup_printf("%s: %s has %s before %s, for service %s/%s", place, setting, list[i],
                                         authenticated ? "permit_sasl_authenticated" : "permit_mynetworks",
                                         service->name, service->type),
                         "De-Mail domains have no MX: De-Mail is refused before demail-milter is asked",
                         dm_postfix_set(rules->postfix, service, setting, value));
            return;
        }
        open = lets_by(list[i], authenticated);
    }
}

static void check_restrictions(DmRules *rules)
{
    for (guint i = 0; i < rules->postfix->services->len; i++) {
        DmPostfixService *service = g_ptr_array_index(rules->postfix->services, i);
        if (service == rules->inject || !g_str_equal(service->command, "smtpd"))
            continue;
        for (guint j = 0; j < G_N_ELEMENTS(lists); j++)
            check_list(rules, service, lists[j]);
    }
}

/* Postfix's times: a number with s, m, h, d (the default here) or w. */
static gint64 parse_days(const char *text)
{
    char *unit = NULL;
    gint64 number = g_ascii_strtoll(text, &unit, 10);

    switch (*unit) {
    case 's':
        return number;
    case 'm':
        return number * 60;
    case 'h':
        return number * 3600;
    case 'w':
        return number * 7 * DAY;
    default:
        return number * DAY;
    }
}

static void check_lifetime(DmRules *rules)
{
    gint64 age = rules->config->stamp_max_age;
    g_autofree char *lifetime = g_strdup(dm_postfix_get(rules->postfix, NULL, "maximal_queue_lifetime"));
    g_autofree char *value = age % DAY == 0 ? g_strdup_printf("%" G_GINT64_FORMAT "d", age / DAY)
                                            : g_strdup_printf("%" G_GINT64_FORMAT "s", age);

    if (parse_days(lifetime) > age)
        dm_rules_add(
            rules, DM_CHECK_WARNING, "postfix.queue-lifetime",
            g_strdup_printf("main.cf: maximal_queue_lifetime = %s is longer than stamp_max_age = %s", lifetime, value),
            "a De-Mail that waits longer than the stamp lives is refused, although Postfix would still try",
            dm_postfix_set(rules->postfix, NULL, "maximal_queue_lifetime", value));
}

void dm_rules_limits(DmRules *rules)
{
    check_restrictions(rules);
    check_lifetime(rules);
}
