#include "common/warning.h"

#include "common/postmap.h"

#include <string.h>

#define DAY  ((gint64)86400)
#define OVER 4U

typedef struct {
    GPtrArray *warnings;
    gint64 now;
} Search;

static void warning_free(gpointer data)
{
    DmWarning *warning = data;

    g_free(warning->subject);
    g_free(warning->text);
    g_free(warning);
}

/* Takes `text` over. */
static void add(const Search *search, const char *kind, const char *subject, guint stage, char *text)
{
    DmWarning *warning = g_new0(DmWarning, 1);

    *warning = (DmWarning){kind, g_strdup(subject), stage, text};
    g_ptr_array_add(search->warnings, warning);
}

/* 0: far away, or there is no end. */
static guint stage_of(gint64 end, gint64 now)
{
    static const gint64 days[] = {30, 7, 1, 0};
    guint stage = 0;

    while (end != 0 && stage < G_N_ELEMENTS(days) && end - now <= days[stage] * DAY)
        stage++;
    return stage;
}

static char *date_of(gint64 time)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time);

    return date != NULL ? g_date_time_format(date, "%Y-%m-%d %H:%M UTC") : g_strdup("an unknown time");
}

/* Something that ends: `what` ("client_cert FILE") and what to do. */
static void add_end(const Search *search, const char *kind, const char *subject, gint64 end, const char *what,
                    const char *mend)
{
    guint stage = stage_of(end, search->now);

    if (stage == 0)
        return;
    g_autofree char *date = date_of(end);
    add(search, kind, subject, stage,
        g_strdup_printf("%s %s on %s; %s", what, stage == OVER ? "ended" : "ends", date, mend));
}

static void find_provider(const Search *search, const DmProviderFacts *provider)
{
    g_autofree char *what = g_strdup_printf("client_cert %s", provider->client_cert);

    add_end(search, "client-certificate", provider->name, provider->certificate_end, what,
            "have the provider issue a new one, put it in place and reload demail-poller");
    /* What has passed is no surprise any more: the milter and the poller act on it. */
    if (search->now < provider->send_until)
        add_end(search, "send-until", provider->name, provider->send_until, "sending",
                "from then on new De-Mail is refused; move its tenants to another provider");
    if (search->now < provider->receive_until)
        add_end(search, "receive-until", provider->name, provider->receive_until, "receiving",
                "from then on the mailboxes are not polled; save what is in them");
}

static void find_quota(const Search *search, const DmTenantFacts *tenant)
{
    gint64 total = tenant->quota_total;

    if (total <= 0 || (double)(total - tenant->quota_used) * 100.0 >= (double)total * DM_WARNING_QUOTA)
        return;
    add(search, "quota", tenant->name, 1,
        g_strdup_printf("the mailbox of %s has less than %d %% free: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                        " bytes are used; delete there, or have the provider enlarge it, before De-Mail to it is "
                        "refused",
                        tenant->account, DM_WARNING_QUOTA, tenant->quota_used, total));
}

static void find_poll(const Search *search, const DmTenantFacts *tenant)
{
    gint64 since = MAX(tenant->last_poll, tenant->polled_since);
    gint64 patience = MAX(tenant->poll_interval * DM_WARNING_POLL_ROUNDS, (gint64)DM_WARNING_POLL_SECONDS);

    if (!tenant->polled || since == 0 || search->now - since <= patience)
        return;
    g_autofree char *date = date_of(since);
    add(search, "poll", tenant->name, 1,
        g_strdup_printf(
            "the mailbox of %s has not been polled with success since %s; see provider-down, poll-failed and "
            "receive-failed in the log of demail-poller",
            tenant->account, date));
}

static void find_tenant(const Search *search, const DmTenantFacts *tenant)
{
    g_autofree char *what = g_strdup_printf("the password of %s", tenant->account);

    add_end(search, "password", tenant->name, tenant->password_expires, what,
            "set a new one at the provider, write it into password_file and reload demail-poller");
    find_quota(search, tenant);
    find_poll(search, tenant);
}

static void find_table(const Search *search, const DmTableFacts *table)
{
    if (table->missing && table->compiled)
        add(search, "table", table->source, 1,
            g_strdup_printf("%s%s is missing; run: demailctl postmap %s", table->source, DM_POSTMAP_SUFFIX,
                            table->source));
    else if (table->missing)
        add(search, "table", table->source, 1, g_strdup_printf("%s is missing; put it back", table->source));
    else if (table->stale)
        add(search, "table", table->source, 1,
            g_strdup_printf("%s%s is older than its source; run: demailctl postmap %s", table->source,
                            DM_POSTMAP_SUFFIX, table->source));
}

static void find_crl(const Search *search, const DmCrlFacts *crl)
{
    if (crl->next_update == 0 || search->now <= crl->next_update)
        return;
    g_autofree char *date = date_of(crl->next_update);
    add(search, "crl", crl->file, 1,
        g_strdup_printf("the next update of %s was due on %s; fetch it from the CA and reload demail-poller", crl->file,
                        date));
}

static int compare(gconstpointer a, gconstpointer b)
{
    const DmWarning *left = *(const DmWarning *const *)a;
    const DmWarning *right = *(const DmWarning *const *)b;
    int order = strcmp(left->kind, right->kind);

    return order != 0 ? order : strcmp(left->subject, right->subject);
}

GPtrArray *dm_warnings_find(const DmFacts *facts, gint64 now)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(warning_free);
    const Search search = {warnings, now};

    for (guint i = 0; i < facts->providers->len; i++)
        find_provider(&search, g_ptr_array_index(facts->providers, i));
    for (guint i = 0; i < facts->tenants->len; i++)
        find_tenant(&search, g_ptr_array_index(facts->tenants, i));
    for (guint i = 0; i < facts->tables->len; i++)
        find_table(&search, g_ptr_array_index(facts->tables, i));
    for (guint i = 0; i < facts->crls->len; i++)
        find_crl(&search, g_ptr_array_index(facts->crls, i));
    g_ptr_array_sort(warnings, compare);
    return warnings;
}

const DmWarning *dm_warning_same(const GPtrArray *warnings, const DmWarning *warning)
{
    for (guint i = 0; i < warnings->len; i++) {
        const DmWarning *other = g_ptr_array_index(warnings, i);
        if (strcmp(other->kind, warning->kind) == 0 && strcmp(other->subject, warning->subject) == 0)
            return other;
    }
    return NULL;
}
