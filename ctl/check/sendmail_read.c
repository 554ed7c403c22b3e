#include "ctl/check/finding.h"
#include "ctl/check/sendmail.h"

#include "common/postmap.h"

#include <string.h>

static void note_domain(const char *key, const char *value, guint line, gpointer data)
{
    (void)value;
    (void)line;
    g_hash_table_add(data, g_strdup(key));
}

/* Domains that the source of the barrier is without. */
static char **find_missing(const char *file, char *const *domains)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *missing = g_ptr_array_new();

    if (file != NULL)
        dm_postmap_parse(file, note_domain, known, problems, NULL);
    for (char *const *domain = domains; *domain != NULL; domain++) {
        if (!g_hash_table_contains(known, *domain))
            g_ptr_array_add(missing, g_strdup(*domain));
    }
    g_ptr_array_add(missing, NULL);
    return (char **)g_ptr_array_free(missing, FALSE);
}

char *dm_sendmail_mc(const char *cf_file)
{
    g_autofree char *stem =
        g_str_has_suffix(cf_file, ".cf") ? g_strndup(cf_file, strlen(cf_file) - 3) : g_strdup(cf_file);

    return g_strconcat(stem, ".mc", NULL);
}

void dm_check_sendmail(const char *cf_file, const DmConfig *config, char **domains, gint64 *size_limit,
                       GPtrArray *findings)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *cf = NULL;
    g_autofree char *mc = NULL;
    g_autofree char *mc_file = dm_sendmail_mc(cf_file);

    if (!g_file_get_contents(cf_file, &cf, NULL, &error)) {
        dm_check_findings_add(findings, (DmCheckFinding){.code = "sendmail.unreadable",
                                                         .severity = DM_CHECK_ERROR,
                                                         .problem = g_strdup(error->message),
                                                         .why = "nothing is known of the mail server",
                                                         .command = g_strdup("apt-get install sendmail")});
        return;
    }
    g_file_get_contents(mc_file, &mc, NULL, NULL);
    g_autofree char *barrier = dm_sendmail_barrier(cf);
    g_auto(GStrv) missing = find_missing(barrier, domains);
    g_autofree char *limit = dm_sendmail_option(cf, "MaxMessageSize");
    *size_limit = limit != NULL ? g_ascii_strtoll(limit, NULL, 10) : 0;
    const DmSendmail sendmail = {.cf_file = cf_file, .cf = cf, .mc = mc, .missing = missing, .barrier = barrier};
    dm_rules_sendmail(&sendmail, config, findings);
}
