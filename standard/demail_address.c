#include "standard/demail_address.h"

#include <string.h>

/* ACM FU 2.1.3 */
#define LOCAL_MAX   64
#define DOMAIN_MAX  189
#define ADDRESS_MAX 253
#define LABEL_MAX   63 /* RFC 1035 2.3.4 */

#define PSEUDONYM_PREFIX "pn_"

static gboolean label_is_valid(const char *label)
{
    gsize length = strlen(label);

    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return FALSE;
    for (const char *c = label; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
            return FALSE;
    }
    return TRUE;
}

gboolean dm_demail_domain_is_valid(const char *domain)
{
    g_auto(GStrv) labels = g_strsplit(domain, ".", -1);
    guint count = 0;

    for (; labels[count] != NULL; count++) {
        if (!label_is_valid(labels[count]))
            return FALSE;
    }
    return count >= 2 && strspn(labels[count - 1], "0123456789") < strlen(labels[count - 1]);
}

/* In any capitals: the rules of senders judge those. */
static gboolean is_system(const char *local)
{
    static const char *const system[] = {
        DM_SYSTEM_DISPATCH,
        DM_SYSTEM_RECEIPT,
        DM_SYSTEM_RETRIEVE,
        DM_SYSTEM_MALWARE,
        DM_SYSTEM_NOTIFICATION,
        DM_SYSTEM_IDENTIFICATION,
        DM_SYSTEM_IDENTIFICATION_NOTIFICATION,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(system); i++) {
        if (g_ascii_strcasecmp(system[i], local) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_capitals(const char *text)
{
    for (; *text != '\0'; text++) {
        if (g_ascii_isupper(*text))
            return TRUE;
    }
    return FALSE;
}

gboolean dm_demail_address_is_pseudonym(const char *address)
{
    return g_ascii_strncasecmp(address, PSEUDONYM_PREFIX, strlen(PSEUDONYM_PREFIX)) == 0;
}

void dm_demail_address_judge(const char *address, DmFindings *findings)
{
    const char *at = strrchr(address, '@');
    const char *domain = at != NULL ? at + 1 : "";
    g_autofree char *local = g_strndup(address, (gsize)(at != NULL ? at - address : 0));

    if (strlen(local) > LOCAL_MAX || strlen(domain) > DOMAIN_MAX || strlen(address) > ADDRESS_MAX)
        dm_findings_fail(findings, "address.length");
    if (!dm_demail_domain_is_valid(domain))
        dm_findings_fail(findings, "address.domain");
    if (dm_demail_address_is_pseudonym(local) &&
        (local[strlen(PSEUDONYM_PREFIX)] == '\0' || strchr(local, '.') != NULL))
        dm_findings_fail(findings, "address.pseudonym");
    if (has_capitals(local) && !is_system(local))
        dm_findings_warn(findings, "address.capitals");
}
