#include "poller/settle.h"

#include "common/log.h"
#include "poller/fate.h"
#include "poller/tally.h"

/* A round. */
typedef struct {
    const DmSettler *settler;
    const DmGateway *gateway;
    GHashTable *unusable; /* names of tenants: each has an account of its own */
} Round;

/* One De-Mail in it. */
typedef struct {
    const char *id; /* gateway id */
    GPtrArray *recipients;
    const DmSent *first; /* of those that are open; all of a De-Mail have the same tenant and queue id */
    DmChannel *channel;
} Case;

static DmSentRecipient *recipient_at(const Case *c, guint i)
{
    return g_ptr_array_index(c->recipients, i);
}

static const DmSent *find_open(const Case *c)
{
    for (guint i = 0; i < c->recipients->len; i++) {
        if (dm_sent_state_is_open(recipient_at(c, i)->sent.state))
            return &recipient_at(c, i)->sent;
    }
    return NULL;
}

/* NULL if the provider can't be asked now. A tenant that the configuration does not have any more has none. */
static DmChannel *channel_of(const Round *round, const char *tenant_name)
{
    const DmTenantConfig *tenant = dm_config_tenant_by_name(round->gateway->config, tenant_name);
    g_autoptr(DmChannel) channel = NULL;

    if (!tenant || g_hash_table_contains(round->unusable, tenant->name))
        return NULL;
    channel = dm_channels_get(round->settler->channels, round->gateway, tenant, NULL);
    if (channel && dm_channel_ready(channel, NULL))
        return g_steal_pointer(&channel);
    g_hash_table_add(round->unusable, tenant->name);
    return NULL;
}

/* The record of a recipient after the provider's answer; strings are lent. */
static DmSent settled(const DmSent *before, DmSentState state, const DmOutcome *outcome, const char *address)
{
    const DmResult *result = outcome ? dm_outcome_find(outcome, address) : NULL;
    DmSent after = *before;

    after.state = state;
    after.time = g_get_real_time() / G_USEC_PER_SEC;
    after.provider_id = state == DM_SENT_ACCEPTED ? outcome->id : (char *)"";
    after.code = result && state != DM_SENT_ACCEPTED ? result->code : (char *)"";
    after.detail = result && state != DM_SENT_ACCEPTED ? result->detail : (char *)"";
    return after;
}

static void tally(const Case *c, const GArray *sent)
{
    for (guint i = 0; i < sent->len; i++)
        dm_tally_sent(dm_channel_metrics(c->channel), c->first->tenant, g_array_index(sent, DmSent, i).state, 1);
}

static gboolean write_down(const Round *round, const Case *c, DmFate fate, const DmOutcome *outcome, GError **error)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    g_autoptr(GArray) sent = g_array_new(FALSE, FALSE, sizeof(DmSent));
    gint64 count[DM_SENT_UNKNOWN + 1] = {0};

    for (guint i = 0; i < c->recipients->len; i++) {
        const DmSentRecipient *recipient = recipient_at(c, i);
        DmSentState state = dm_fate_state(fate, outcome, recipient->address);

        if (!dm_sent_state_is_open(recipient->sent.state) || state == recipient->sent.state ||
            state == DM_SENT_SUBMITTING)
            continue;
        const DmSent after = settled(&recipient->sent, state, outcome, recipient->address);
        g_ptr_array_add(addresses, recipient->address);
        g_array_append_val(sent, after);
        count[state]++;
    }
    if (sent->len == 0)
        return TRUE;
    if (!dm_journal_put_sent(round->settler->journal, c->id, NULL, (char *const *)addresses->pdata,
                             (const DmSent *)(gconstpointer)sent->data, sent->len, error))
        return FALSE;
    tally(c, sent);
    dm_log(count[DM_SENT_UNKNOWN] > 0 ? DM_LOG_WARNING : DM_LOG_INFO, "settled",
           DM_S("qid", c->first->queue_id[0] != '\0' ? c->first->queue_id : NULL), DM_S("gid", c->id),
           DM_S("tenant", c->first->tenant), DM_N("accepted", count[DM_SENT_ACCEPTED]),
           DM_N("refused", count[DM_SENT_REFUSED]), DM_N("deferred", count[DM_SENT_DEFERRED]),
           DM_N("unknown", count[DM_SENT_UNKNOWN]));
    return TRUE;
}

static gboolean ask(const Round *round, Case *c, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(DmOutcome) outcome = NULL;
    DmFate fate;

    if (!dm_channel_driver(c->channel)->status(dm_channel_provider(c->channel), c->id, &fate, &outcome, &problem)) {
        dm_channel_failed(c->channel, problem);
        return TRUE;
    }
    return write_down(round, c, fate, outcome, error);
}

/* With the id taken, so that nobody else changes its recipients. */
static gboolean settle_taken(const Round *round, const char *id, GError **error)
{
    Case c = {.id = id, .recipients = dm_journal_get_recipients(round->settler->journal, id, error)};
    gboolean good = c.recipients != NULL;

    c.first = good ? find_open(&c) : NULL;
    c.channel = c.first ? channel_of(round, c.first->tenant) : NULL;
    if (c.channel)
        good = ask(round, &c, error);
    g_clear_pointer(&c.channel, dm_channel_unref);
    g_clear_pointer(&c.recipients, g_ptr_array_unref);
    return good;
}

static gboolean settle_one(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Round *round = data;
    const DmSettler *settler = round->settler;

    if (!settler->going(settler->data) || !dm_submitter_take(settler->submitter, entry->gateway_id, 0))
        return TRUE;

    gboolean good = settle_taken(round, entry->gateway_id, error);

    dm_submitter_release(settler->submitter, entry->gateway_id);
    return good;
}

gboolean dm_settle(const DmSettler *settler, const DmGateway *gateway, GError **error)
{
    g_autoptr(GHashTable) unusable = g_hash_table_new(g_str_hash, g_str_equal);
    Round round = {settler, gateway, unusable};

    return dm_journal_list_open(settler->journal, settle_one, &round, error);
}
