#include "ctl/check_trust.h"

#include "common/domains.h"
#include "standard/trust.h"
#include "standard/xml.h"

static gint64 now_seconds(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static char *format_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return seconds != 0 && time != NULL ? g_date_time_format_iso8601(time) : g_strdup("none");
}

static void add(GPtrArray *lines, const DmConfig *config, const char *key, const char *what)
{
    g_ptr_array_add(lines, g_strdup_printf("%s: [gateway] %s: %s", config->file, key, what));
}

static void check_files(const DmConfig *config, char *const *anchors, char *const *crls, const char *key,
                        GPtrArray *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmTrust) trust = dm_trust_new(anchors, crls, &error);

    if (trust == NULL)
        add(problems, config, key, error->message);
}

static DmTrustList *read_kept(const DmConfig *config, X509 *signer, GPtrArray *problems, GPtrArray *remarks)
{
    g_autofree char *path = g_strconcat(config->state_dir, "/" DM_TRUST_LIST_NAME ".xml", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length = 0;

    if (!g_file_get_contents(path, &text, &length, &error)) {
        gboolean missing = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
        add(missing ? remarks : problems, config, "trust_list_url",
            missing ? "no list has been fetched yet; look into the log of demail-poller" : error->message);
        return NULL;
    }
    DmTrustList *list =
        dm_xml_start(&error) ? dm_trust_list_read(text, length, signer, now_seconds(), NULL, &error) : NULL;
    dm_xml_stop();
    if (list == NULL) {
        g_autofree char *what = g_strdup_printf("%s: %s; correct the certificate, or reload demail-poller to fetch "
                                                "the list anew",
                                                path, error->message);
        add(problems, config, "trust_list_signer", what);
    }
    return list;
}

DmTrustList *dm_check_trust(const DmConfig *config, GPtrArray *problems, GPtrArray *remarks)
{
    g_autoptr(GError) error = NULL;

    check_files(config, config->trust_anchors, NULL, "trust_anchors", problems);
    check_files(config, NULL, config->crl_files, "crl_files", problems);
    if (config->trust_list_url[0] == '\0')
        return NULL;
    X509 *signer = dm_trust_list_signer(config->trust_list_signer, &error);
    if (signer == NULL) {
        add(problems, config, "trust_list_signer", error->message);
        return NULL;
    }
    DmTrustList *list = read_kept(config, signer, problems, remarks);
    if (list != NULL && dm_trust_list_expired(list, now_seconds()))
        add(remarks, config, "trust_list_url",
            "the list has expired and stays in force until there is a newer one; look into the log of demail-poller");
    X509_free(signer);
    return list;
}

static guint count_active(const DmTrustList *list)
{
    guint count = 0;

    for (guint i = 0; i < list->domains->len; i++)
        count += ((const DmTrustListDomain *)g_ptr_array_index(list->domains, i))->active ? 1U : 0U;
    return count;
}

char *dm_check_trust_text(const DmTrustList *list)
{
    g_autofree char *issued = format_time(list->issued);
    g_autofree char *next_update = format_time(list->next_update);

    return g_strdup_printf("list of providers: sequence %" G_GINT64_FORMAT ", issued %s, next update %s, %u domains, "
                           "%u of them active",
                           list->sequence, issued, next_update, list->domains->len, count_active(list));
}

json_t *dm_check_trust_json(const DmTrustList *list)
{
    g_autofree char *issued = format_time(list->issued);
    g_autofree char *next_update = list->next_update != 0 ? format_time(list->next_update) : NULL;

    return json_pack("{s:I, s:s, s:s?, s:b, s:i, s:i}", "sequence", (json_int_t)list->sequence, "issued", issued,
                     "next_update", next_update, "expired", (int)dm_trust_list_expired(list, now_seconds()), "domains",
                     (int)list->domains->len, "active", (int)count_active(list));
}
