#include "common/address.h"

#include <string.h>

static gboolean is_atext(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static gboolean is_dot_atom(const char *text, gsize length)
{
    gboolean at_dot = TRUE;

    for (gsize i = 0; i < length; i++) {
        if (text[i] != '.' && !is_atext(text[i]))
            return FALSE;
        if (text[i] == '.' && at_dot)
            return FALSE;
        at_dot = text[i] == '.';
    }
    return !at_dot;
}

static gboolean is_ldh_domain(const char *domain)
{
    gboolean at_dot = TRUE;

    for (const char *c = domain; *c != '\0'; c++) {
        if (*c != '.' && *c != '-' && *c != '_' && !g_ascii_isalnum(*c))
            return FALSE;
        if (*c == '.' && at_dot)
            return FALSE;
        at_dot = *c == '.';
    }
    return !at_dot;
}

static char *without_brackets(const char *text)
{
    char *bare = g_strstrip(g_strdup(text));
    gsize length = strlen(bare);

    if (length >= 2 && bare[0] == '<' && bare[length - 1] == '>') {
        memmove(bare, bare + 1, length - 2);
        bare[length - 2] = '\0';
    }
    return bare;
}

static void drop_trailing_dot(char *domain)
{
    gsize length = strlen(domain);

    if (length > 0 && domain[length - 1] == '.')
        domain[length - 1] = '\0';
}

gboolean dm_address_parse(const char *text, DmAddress *address)
{
    *address = (DmAddress){0};
    if (strnlen(text, DM_ADDRESS_MAX + 1) > DM_ADDRESS_MAX)
        return FALSE;

    g_autofree char *bare = without_brackets(text);
    const char *at = strrchr(bare, '@');
    if (at == NULL || !is_dot_atom(bare, (gsize)(at - bare)))
        return FALSE;
    g_autofree char *domain = g_ascii_strdown(at + 1, -1);
    drop_trailing_dot(domain);
    if (!is_ldh_domain(domain))
        return FALSE;
    address->local = g_strndup(bare, (gsize)(at - bare));
    address->domain = g_steal_pointer(&domain);
    return TRUE;
}

void dm_address_clear(DmAddress *address)
{
    g_clear_pointer(&address->local, g_free);
    g_clear_pointer(&address->domain, g_free);
}

char *dm_address_key(const char *text)
{
    g_autofree char *bare = without_brackets(text);

    return g_ascii_strdown(bare, -1);
}

gboolean dm_address_equal(const char *a, const char *b)
{
    g_autofree char *key_a = dm_address_key(a);
    g_autofree char *key_b = dm_address_key(b);

    drop_trailing_dot(key_a);
    drop_trailing_dot(key_b);
    return strcmp(key_a, key_b) == 0;
}

char *dm_address_domain(const char *text)
{
    g_autofree char *key = dm_address_key(text);
    char *at = strrchr(key, '@');

    if (at == NULL)
        return NULL;
    drop_trailing_dot(at + 1);
    return g_strdup(at + 1);
}

gboolean dm_address_is_plain(const char *text)
{
    DmAddress address;
    gboolean plain = dm_address_parse(text, &address) && text[0] != '<';

    dm_address_clear(&address);
    return plain;
}

char *dm_address_undivert(const char *recipient, const char *divert_domain)
{
    g_autofree char *key = dm_address_key(recipient);
    g_autofree char *suffix = g_strconcat(".", divert_domain, NULL);

    drop_trailing_dot(key);
    if (!g_str_has_suffix(key, suffix) || strlen(key) == strlen(suffix))
        return NULL;
    return g_strndup(key, strlen(key) - strlen(suffix));
}

typedef struct {
    const DmDomains *domains;
    const char *divert_domain;
} Judge;

static gboolean in_divert_domain(const char *domain, const char *divert_domain)
{
    gsize length = strlen(domain);
    gsize divert = strlen(divert_domain);

    if (length < divert || g_ascii_strcasecmp(domain + length - divert, divert_domain) != 0)
        return FALSE;
    return length == divert || domain[length - divert - 1] == '.';
}

static DmRecipientKind kind_of_domain(DmDomainKind kind)
{
    switch (kind) {
    case DM_DOMAIN_EMAIL:
        return DM_RECIPIENT_ORDINARY;
    case DM_DOMAIN_DEMAIL:
        return DM_RECIPIENT_DEMAIL;
    case DM_DOMAIN_INACTIVE:
        return DM_RECIPIENT_INACTIVE;
    }
    return DM_RECIPIENT_ORDINARY;
}

/* What a plain lower-case domain is: anything but disguised. */
static gboolean judge_domain(const Judge *judge, const char *domain, DmRecipientKind *kind, char **entry,
                             GError **error)
{
    DmDomainKind domain_kind = DM_DOMAIN_EMAIL;

    if (in_divert_domain(domain, judge->divert_domain)) {
        *kind = DM_RECIPIENT_DIVERTED;
        return TRUE;
    }
    if (!dm_domains_judge(judge->domains, domain, &domain_kind, entry, error))
        return FALSE;
    *kind = kind_of_domain(domain_kind);
    return TRUE;
}

/* `domain` is consumed; what is no LDH domain is not ours. */
static gboolean domain_is_ours(const Judge *judge, char *domain, gboolean *ours, GError **error)
{
    g_autofree char *owned = domain;
    DmRecipientKind kind = DM_RECIPIENT_ORDINARY;

    *ours = FALSE;
    if (domain == NULL)
        return TRUE;
    drop_trailing_dot(domain);
    if (!is_ldh_domain(domain))
        return TRUE;
    if (!judge_domain(judge, domain, &kind, NULL, error))
        return FALSE;
    *ours = kind != DM_RECIPIENT_ORDINARY;
    return TRUE;
}

/* The ASCII that remains of a token when every mapping that an MTA might know has been made: compatibility forms and
 * case folded, full stops of other scripts as ".", what is still not ASCII dropped. UTS #46 of any version maps to this
 * or to an A-label, so a token whose skeleton is not ours can't become ours. */
static char *skeleton(const char *token)
{
    g_autofree char *valid = g_utf8_make_valid(token, -1);
    g_autofree char *normal = g_utf8_normalize(valid, -1, G_NORMALIZE_ALL_COMPOSE);
    g_autofree char *folded = g_utf8_casefold(normal != NULL ? normal : valid, -1);
    GString *ascii = g_string_new(NULL);

    for (const char *c = folded; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        if (u == 0x3002 || u == 0xff0e || u == 0xff61)
            g_string_append_c(ascii, '.');
        else if (u < 0x80)
            g_string_append_c(ascii, (char)u);
    }
    return g_string_free(ascii, FALSE);
}

/* Whether the token is a domain that we handle, as it stands or after any mapping of international characters. */
static gboolean token_is_ours(const Judge *judge, const char *token, gboolean *ours, GError **error)
{
    if (g_str_is_ascii(token))
        return domain_is_ours(judge, g_ascii_strdown(token, -1), ours, error);
    if (!domain_is_ours(judge, skeleton(token), ours, error))
        return FALSE;
    if (*ours || !g_utf8_validate(token, -1, NULL))
        return TRUE;
    return domain_is_ours(judge, g_hostname_to_ascii(token), ours, error);
}

/* Comments (nested), blanks, quotes and backslashes taken out, as an MTA's address parser would (RFC 5322 3.2.1-3.2.4).
 */
static char *without_decoration(const char *text)
{
    GString *out = g_string_new(NULL);
    gboolean quoted = FALSE;
    guint depth = 0;

    for (const char *c = text; *c != '\0'; c++) {
        gboolean escaped = *c == '\\' && c[1] != '\0';
        if (escaped)
            c++;
        else if (*c == '"' && depth == 0)
            quoted = !quoted;
        else if (*c == '(' && !quoted)
            depth++;
        if (depth == 0 && (escaped || strchr(" \t\r\n\"", *c) == NULL))
            g_string_append_c(out, *c);
        if (!escaped && *c == ')' && !quoted && depth > 0)
            depth--;
    }
    return g_string_free(out, FALSE);
}

/* Whether any piece of `text` between the characters that can separate a domain from the rest of an address is ours. */
static gboolean some_token_is_ours(const Judge *judge, const char *text, gboolean *ours, GError **error)
{
    g_auto(GStrv) tokens = g_strsplit_set(text, "@%!:;,<>()[]\"\\ \t\r\n", -1);

    *ours = FALSE;
    for (char **token = tokens; *token != NULL && !*ours; token++) {
        if ((*token)[0] != '\0' && !token_is_ours(judge, *token, ours, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean looks_disguised(const Judge *judge, const char *text, gboolean *disguised, GError **error)
{
    g_autofree char *bare = without_decoration(text);

    if (!some_token_is_ours(judge, text, disguised, error))
        return FALSE;
    return *disguised || some_token_is_ours(judge, bare, disguised, error);
}

gboolean dm_recipient_kind(const char *recipient, const DmDomains *domains, const char *divert_domain,
                           DmRecipientKind *kind, char **entry, GError **error)
{
    const Judge judge = {domains, divert_domain};
    DmAddress address;
    gboolean disguised = FALSE;

    if (entry != NULL)
        *entry = NULL;
    if (dm_address_parse(recipient, &address)) {
        gboolean plain_local = strpbrk(address.local, "%!") == NULL;
        gboolean judged = judge_domain(&judge, address.domain, kind, plain_local ? entry : NULL, error);
        dm_address_clear(&address);
        if (!judged || (plain_local && *kind != DM_RECIPIENT_DIVERTED))
            return judged;
        if (plain_local)
            return TRUE;
    }
    if (!looks_disguised(&judge, recipient, &disguised, error))
        return FALSE;
    *kind = disguised ? DM_RECIPIENT_DISGUISED : DM_RECIPIENT_ORDINARY;
    return TRUE;
}
