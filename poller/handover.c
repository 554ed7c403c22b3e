#include "poller/handover.h"
#include "poller/tally.h"

#include "common/demail.h"
#include "common/log.h"

static gint64 now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

gboolean dm_handover_set_state(const DmHandover *h, DmReceivedState state, GError **error)
{
    h->received->state = state;
    h->received->time = now();
    return dm_journal_put_received(h->journal, h->tenant->name, h->id, h->received, error);
}

/* The recipient that the MTA refuses is told to the catch-all. */
static DmInjectResult inject_to_catch_all(const DmHandover *h, const char *refused, const GError *reason,
                                          GError **error)
{
    const DmTenantConfig *tenant = h->tenant;
    char *const recipients[] = {tenant->catch_all, NULL};
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(GError) problem = NULL;
    DmInjection marked = h->injection;
    DmInjectResult result;

    g_string_printf(head, "%s: %s\r\n", DM_FIELD_UNDELIVERABLE, refused);
    g_string_append_len(head, h->injection.head->str, (gssize)h->injection.head->len);
    marked.head = head;
    result = dm_inject(&marked, recipients, &problem);
    if (result != DM_INJECT_DONE) {
        g_set_error(error, DM_ERROR, problem->code, "<%s>: %s; <%s>: %s", refused, reason->message, tenant->catch_all,
                    problem->message);
        return result;
    }
    dm_tally_undeliverable(h->metrics, tenant->name);
    dm_log(DM_LOG_WARNING, "undeliverable", DM_S("tenant", tenant->name), DM_S("id", h->id), DM_S("to", refused),
           DM_S("catch_all", tenant->catch_all), DM_S("reason", reason->message));
    return result;
}

/* `last`: the state of the whole says that it was taken, and no record of its own needs to. */
static DmInjectResult inject_one(const DmHandover *h, char *recipient, gboolean last, GError **error)
{
    char *const recipients[] = {recipient, NULL};
    g_autoptr(GError) reason = NULL;
    DmInjectResult result = dm_inject(&h->injection, recipients, &reason);

    if (result == DM_INJECT_REFUSED)
        result = inject_to_catch_all(h, recipient, reason, error);
    else if (result != DM_INJECT_DONE)
        g_propagate_error(error, g_steal_pointer(&reason));
    if (result != DM_INJECT_DONE || last)
        return result;
    return dm_journal_put_injected(h->journal, h->tenant->name, h->id, recipient, now(), error) ? DM_INJECT_DONE
                                                                                                : DM_INJECT_UNSURE;
}

/* Which recipient the MTA did not take in a common transaction is not told, so each gets one of its own. What was taken
 * is remembered, so that one that has to wait does not bring the others a second copy. */
static DmInjectResult inject_each(const DmHandover *h, const GPtrArray *pending, GError **error)
{
    DmInjectResult all = DM_INJECT_DONE;
    gboolean reachable = TRUE;

    for (guint i = 0; i < pending->len && reachable; i++) {
        g_autoptr(GError) problem = NULL;
        gboolean last = all == DM_INJECT_DONE && i + 1 == pending->len;
        DmInjectResult result = inject_one(h, g_ptr_array_index(pending, i), last, &problem);

        if (result == DM_INJECT_DONE)
            continue;
        reachable = !g_error_matches(problem, DM_ERROR, DM_ERROR_UNAVAILABLE);
        if (all == DM_INJECT_DONE)
            g_propagate_error(error, g_steal_pointer(&problem));
        if (all != DM_INJECT_UNSURE)
            all = result;
    }
    return all;
}

/* The recipients (lent) that the MTA has not taken it for; NULL if the journal can't tell. */
static GPtrArray *find_pending(const DmHandover *h, GError **error)
{
    g_autoptr(GPtrArray) pending = g_ptr_array_new();

    for (guint i = 0; i < h->recipients->len; i++) {
        char *recipient = g_ptr_array_index(h->recipients, i);
        gboolean injected;

        if (!dm_journal_get_injected(h->journal, h->tenant->name, h->id, recipient, &injected, error))
            return NULL;
        if (!injected)
            g_ptr_array_add(pending, recipient);
    }
    return g_steal_pointer(&pending);
}

static DmInjectResult inject(const DmHandover *h, const GPtrArray *pending, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(GPtrArray) together = g_ptr_array_copy((GPtrArray *)pending, NULL, NULL);
    DmInjectResult result;

    if (pending->len < 2)
        return inject_each(h, pending, error);
    g_ptr_array_add(together, NULL);
    result = dm_inject(&h->injection, (char *const *)together->pdata, &reason);
    switch (result) {
    case DM_INJECT_REFUSED:
    case DM_INJECT_DEFERRED:
        return inject_each(h, pending, error);
    case DM_INJECT_DONE:
        break;
    case DM_INJECT_LATER:
    case DM_INJECT_UNSURE:
        g_propagate_error(error, g_steal_pointer(&reason));
        break;
    }
    return result;
}

void dm_handover_put_off(const DmHandover *h)
{
    g_autoptr(GError) problem = NULL;

    if (!dm_handover_set_state(h, DM_RECEIVED_FETCHED, &problem))
        dm_log(DM_LOG_ERROR, "journal-failed", DM_S("tenant", h->tenant->name), DM_S("id", h->id),
               DM_S("reason", problem->message));
}

/* The journal keeps "may be injected" only where that is so. */
gboolean dm_handover(const DmHandover *h, GError **error)
{
    g_autoptr(GPtrArray) pending = find_pending(h, error);

    if (!pending || !dm_handover_set_state(h, DM_RECEIVED_INJECTING, error))
        return FALSE;
    switch (inject(h, pending, error)) {
    case DM_INJECT_DONE:
        return dm_handover_set_state(h, DM_RECEIVED_INJECTED, error);
    case DM_INJECT_LATER:
    case DM_INJECT_DEFERRED:
    case DM_INJECT_REFUSED:
        if (!h->redelivered)
            dm_handover_put_off(h);
        break;
    case DM_INJECT_UNSURE:
        break;
    }
    return FALSE;
}
