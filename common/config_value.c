#include "common/config_value.h"

#include "common/address.h"
#include "common/network.h"

#include <string.h>

#define SECONDS_PER_DAY  86400
#define UNIX_PATH_LENGTH 107 /* bytes in sockaddr_un, less the NUL */

static gboolean bad(GError **error, const char *text, const char *remedy)
{
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "\"%s\" is not valid; %s", text, remedy);
    return FALSE;
}

static gboolean is_domain(const char *text)
{
    g_autofree char *address = g_strconcat("x@", text, NULL);
    DmAddress parsed;
    gboolean good = dm_address_parse(address, &parsed);

    dm_address_clear(&parsed);
    return good && !g_str_has_suffix(text, ".");
}

static gboolean parse_duration(const DmValueRule *rule, const char *text, gint64 *seconds, GError **error)
{
    static const struct {
        char unit;
        gint64 seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', SECONDS_PER_DAY}, {'w', (gint64)7 * SECONDS_PER_DAY}};
    gsize length = strlen(text);
    gint64 number = 0;

    for (gsize i = 0; length > 1 && i < G_N_ELEMENTS(units); i++) {
        g_autofree char *digits = g_strndup(text, length - 1);
        if (text[length - 1] != units[i].unit || !g_ascii_string_to_signed(digits, 10, 0, G_MAXINT32, &number, NULL))
            continue;
        if (number * units[i].seconds < rule->min || number * units[i].seconds > rule->max) {
            g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                        "%s is out of range; choose from %" G_GINT64_FORMAT "s to %" G_GINT64_FORMAT "s", text,
                        rule->min, rule->max);
            return FALSE;
        }
        *seconds = number * units[i].seconds;
        return TRUE;
    }
    return bad(error, text, "write a number with a unit, such as 60s, 5m, 12h or 7d");
}

static gboolean parse_date(const char *text, gint64 *when, GError **error)
{
    g_autofree char *with_time = strchr(text, 'T') != NULL ? g_strdup(text) : g_strconcat(text, "T23:59:59", NULL);
    g_autoptr(GTimeZone) local = g_time_zone_new_local();
    g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(with_time, local);

    if (date == NULL)
        return bad(error, text, "write an ISO 8601 date, such as 2027-12-31 or 2027-12-31T12:00:00+01:00");
    *when = g_date_time_to_unix(date);
    return TRUE;
}

static gboolean parse_number(const DmValueRule *rule, const char *text, guint base, gint64 *number, GError **error)
{
    if (g_ascii_string_to_signed(text, base, rule->min, rule->max, number, NULL))
        return TRUE;
    if (base == 8)
        return bad(error, text, "write an octal mode such as 0660");
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG,
                "\"%s\" is not valid; write a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, text, rule->min,
                rule->max);
    return FALSE;
}

static gboolean parse_bool(const char *text, gboolean *value, GError **error)
{
    if (g_ascii_strcasecmp(text, "yes") == 0)
        *value = TRUE;
    else if (g_ascii_strcasecmp(text, "no") == 0)
        *value = FALSE;
    else
        return bad(error, text, "write yes or no");
    return TRUE;
}

static gboolean parse_choice(const DmValueRule *rule, const char *text, int *value, GError **error)
{
    for (int i = 0; rule->choices[i] != NULL; i++) {
        if (g_ascii_strcasecmp(text, rule->choices[i]) == 0) {
            *value = i;
            return TRUE;
        }
    }
    g_autofree char *all = g_strjoinv(", ", (char **)rule->choices);
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "\"%s\" is not valid; choose one of %s", text, all);
    return FALSE;
}

static char **split_list(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);
    GPtrArray *list = g_ptr_array_new();

    for (char **part = parts; *part != NULL; part++) {
        g_strstrip(*part);
        if ((*part)[0] != '\0')
            g_ptr_array_add(list, g_strdup(*part));
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static gboolean parse_list(DmValueType type, const char *text, char ***value, GError **error)
{
    g_auto(GStrv) list = split_list(text);

    for (char **one = list; *one != NULL; one++) {
        if (type == DM_VALUE_FILES && (*one)[0] != '/')
            return bad(error, *one, "write an absolute path");
        if (type == DM_VALUE_TOKENS && strpbrk(*one, "[],\t") != NULL)
            return bad(error, *one, "write a word without brackets and commas");
        if (type != DM_VALUE_DOMAINS)
            continue;
        if (!is_domain(*one))
            return bad(error, *one, "write a domain such as example.org");
        for (char *c = *one; *c != '\0'; c++)
            *c = g_ascii_tolower(*c);
    }
    *value = g_steal_pointer(&list);
    return TRUE;
}

static gboolean parse_networks(const char *text, DmNetworks **value, GError **error)
{
    g_auto(GStrv) list = split_list(text);
    DmNetworks *networks = dm_networks_parse(list, error);

    if (networks == NULL)
        return FALSE;
    *value = networks;
    return TRUE;
}

static gboolean has_prefix_and_more(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) && text[strlen(prefix)] != '\0';
}

static gboolean is_port(const char *text, gsize length)
{
    g_autofree char *digits = g_strndup(text, length);
    guint64 port = 0;

    return g_ascii_string_to_unsigned(digits, 10, 0, 65535, &port, NULL);
}

/* inet:HOST:PORT as Postfix writes it, or inet:PORT@HOST as libmilter does. */
static gboolean is_inet(const char *text, char separator)
{
    if (!g_str_has_prefix(text, "inet:") && !g_str_has_prefix(text, "inet6:"))
        return FALSE;
    const char *rest = strchr(text, ':') + 1;
    const char *at = strrchr(rest, separator);
    if (at == NULL || at == rest || at[1] == '\0')
        return FALSE;
    return separator == '@' ? is_port(rest, (gsize)(at - rest)) : is_port(at + 1, strlen(at + 1));
}

static gboolean is_unix(const char *text)
{
    return has_prefix_and_more(text, "unix:/") && strlen(text) - strlen("unix:") <= UNIX_PATH_LENGTH;
}

static gboolean is_smtp_url(const char *text)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;

    return host != NULL && host[0] != '\0' && strcmp(g_uri_get_scheme(uri), "smtp") == 0 &&
           g_uri_get_path(uri)[0] == '\0';
}

/* Postfix writes inet:HOST:PORT, libmilter inet:PORT@HOST; administrators know both, and local: and tcp: as well. */
static char *milter_socket(const char *text)
{
    g_autofree char *named =
        g_str_has_prefix(text, "local:") ? g_strconcat("unix:", text + strlen("local:"), NULL) : g_strdup(text);
    if (is_unix(named))
        return g_steal_pointer(&named);
    if (is_inet(text, '@'))
        return g_strdup(text);
    if (!is_inet(text, ':'))
        return NULL;
    const char *host = strchr(text, ':') + 1;
    const char *port = strrchr(text, ':') + 1;
    return g_strdup_printf("%.*s%s@%.*s", (int)(host - text), text, port, (int)(port - 1 - host), host);
}

static gboolean parse_text(DmValueType type, const char *text, char **value, GError **error)
{
    if (type == DM_VALUE_DOMAIN && !is_domain(text))
        return bad(error, text, "write a domain such as example.org");
    if (type == DM_VALUE_ADDRESS && !dm_address_is_plain(text))
        return bad(error, text, "write an address such as office@example.org");
    if (type == DM_VALUE_FILE && text[0] != '/')
        return bad(error, text, "write an absolute path");
    if (type == DM_VALUE_TABLE && !has_prefix_and_more(text, "lmdb:/") && !has_prefix_and_more(text, "texthash:/"))
        return bad(error, text, "write lmdb:/PATH or texthash:/PATH");
    if (type == DM_VALUE_URL && !has_prefix_and_more(text, "https://"))
        return bad(error, text, "write an https:// URL");
    if (type == DM_VALUE_SOURCE && !has_prefix_and_more(text, "https://") && !has_prefix_and_more(text, "file:///"))
        return bad(error, text, "write an https:// URL, or file:///PATH");
    if (type == DM_VALUE_SMTP_URL && !is_smtp_url(text))
        return bad(error, text, "write smtp://HOST:PORT");
    if (type == DM_VALUE_SOCKET && !is_unix(text) && !is_inet(text, ':'))
        return bad(error, text, "write unix:/PATH (at most 107 bytes) or inet:HOST:PORT");
    char *copy = type == DM_VALUE_MILTER   ? milter_socket(text)
                 : type == DM_VALUE_DOMAIN ? g_ascii_strdown(text, -1)
                                           : g_strdup(text);
    if (copy == NULL)
        return bad(error, text, "write unix:/PATH (at most 107 bytes) or inet:PORT@HOST");
    *value = copy;
    return TRUE;
}

/* How a type is stored. */
typedef enum { STORED_TEXT, STORED_LIST, STORED_NETWORKS, STORED_SCALAR } Storage;

static Storage storage_of(DmValueType type)
{
    switch (type) {
    case DM_VALUE_TEXT:
    case DM_VALUE_DOMAIN:
    case DM_VALUE_ADDRESS:
    case DM_VALUE_FILE:
    case DM_VALUE_TABLE:
    case DM_VALUE_SOCKET:
    case DM_VALUE_MILTER:
    case DM_VALUE_URL:
    case DM_VALUE_SOURCE:
    case DM_VALUE_SMTP_URL:
        return STORED_TEXT;
    case DM_VALUE_LIST:
    case DM_VALUE_TOKENS:
    case DM_VALUE_DOMAINS:
    case DM_VALUE_FILES:
        return STORED_LIST;
    case DM_VALUE_NETWORKS:
        return STORED_NETWORKS;
    case DM_VALUE_DURATION:
    case DM_VALUE_DATE:
    case DM_VALUE_NUMBER:
    case DM_VALUE_MODE:
    case DM_VALUE_BOOL:
    case DM_VALUE_CHOICE:
        return STORED_SCALAR;
    }
    return STORED_SCALAR;
}

static gboolean parse_scalar(const DmValueRule *rule, const char *text, gpointer target, GError **error)
{
    if (rule->type == DM_VALUE_DURATION)
        return parse_duration(rule, text, target, error);
    if (rule->type == DM_VALUE_DATE)
        return parse_date(text, target, error);
    if (rule->type == DM_VALUE_BOOL)
        return parse_bool(text, target, error);
    if (rule->type == DM_VALUE_CHOICE)
        return parse_choice(rule, text, target, error);
    return parse_number(rule, text, rule->type == DM_VALUE_MODE ? 8 : 10, target, error);
}

static gboolean parse_filled(const DmValueRule *rule, const char *text, gpointer target, GError **error)
{
    switch (storage_of(rule->type)) {
    case STORED_TEXT:
        return parse_text(rule->type, text, target, error);
    case STORED_LIST:
        return parse_list(rule->type, text, target, error);
    case STORED_NETWORKS:
        return parse_networks(text, target, error);
    case STORED_SCALAR:
        return parse_scalar(rule, text, target, error);
    }
    return FALSE;
}

static gboolean parse_empty(const DmValueRule *rule, gpointer target, GError **error)
{
    Storage storage = storage_of(rule->type);

    if (storage == STORED_TEXT) {
        *(char **)target = g_strdup("");
        return TRUE;
    }
    if (rule->type == DM_VALUE_DATE) {
        *(gint64 *)target = 0;
        return TRUE;
    }
    if (rule->type != DM_VALUE_TOKENS && storage != STORED_SCALAR)
        return parse_filled(rule, "", target, error);
    g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "has no value; write one or remove the line for the default");
    return FALSE;
}

gboolean dm_value_parse(const DmValueRule *rule, const char *text, gpointer target, GError **error)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text));

    dm_value_clear(rule->type, target);
    return trimmed[0] == '\0' ? parse_empty(rule, target, error) : parse_filled(rule, trimmed, target, error);
}

void dm_value_clear(DmValueType type, gpointer target)
{
    switch (storage_of(type)) {
    case STORED_TEXT:
        g_clear_pointer((char **)target, g_free);
        return;
    case STORED_LIST:
        g_clear_pointer((char ***)target, g_strfreev);
        return;
    case STORED_NETWORKS:
        g_clear_pointer((DmNetworks **)target, dm_networks_free);
        return;
    case STORED_SCALAR:
        return;
    }
}
