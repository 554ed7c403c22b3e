#include "poller/receive.h"

#include "common/log.h"
#include "poller/incoming_header.h"
#include "poller/inject.h"
#include "poller/receive_file.h"
#include "poller/receive_recipients.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A message on its way to the MTA. */
typedef struct {
    const DmReceiver *receiver;
    const DmEntry *entry;
    DmInjection injection;
    const GPtrArray *recipients;
    gboolean redelivered;
} Handover;

static gint64 now(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static gboolean set_state(const DmReceiver *receiver, const DmEntry *entry, DmReceivedState state, GError **error)
{
    const DmReceived received = {.state = state, .time = now(), .type = entry->type, .private_id = entry->private_id};

    return dm_journal_put_received(receiver->journal, receiver->tenant->name, entry->id, &received, error);
}

/* The recipient that the MTA refuses is told to the catch-all. */
static DmInjectResult inject_to_catch_all(const Handover *h, const char *refused, const GError *reason, GError **error)
{
    const DmTenantConfig *tenant = h->receiver->tenant;
    char *const recipients[] = {tenant->catch_all, NULL};
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(GError) problem = NULL;
    DmInjection marked = h->injection;
    DmInjectResult result;

    g_string_printf(head, "%s: %s\r\n", DM_FIELD_UNDELIVERABLE, refused);
    g_string_append_len(head, h->injection.head->str, (gssize)h->injection.head->len);
    marked.head = head;
    result = dm_inject(&marked, recipients, &problem);
    if (result == DM_INJECT_DONE)
        dm_log(DM_LOG_WARNING, "undeliverable", DM_S("tenant", tenant->name), DM_S("id", h->entry->id),
               DM_S("to", refused), DM_S("catch_all", tenant->catch_all), DM_S("reason", reason->message));
    else
        g_set_error(error, DM_ERROR, problem->code, "<%s>: %s; <%s>: %s", refused, reason->message, tenant->catch_all,
                    problem->message);
    return result;
}

static DmInjectResult inject_one(const Handover *h, char *recipient, GError **error)
{
    char *const recipients[] = {recipient, NULL};
    g_autoptr(GError) reason = NULL;
    DmInjectResult result = dm_inject(&h->injection, recipients, &reason);

    if (result == DM_INJECT_REFUSED)
        result = inject_to_catch_all(h, recipient, reason, error);
    else if (result != DM_INJECT_DONE)
        g_propagate_error(error, g_steal_pointer(&reason));
    if (result != DM_INJECT_DONE)
        return result;
    return dm_journal_put_injected(h->receiver->journal, h->receiver->tenant->name, h->entry->id, recipient, now(),
                                   error)
               ? DM_INJECT_DONE
               : DM_INJECT_UNSURE;
}

/* Which recipient the MTA did not take in a common transaction is not told, so each gets one of its own. What was taken
 * is remembered, so that one that has to wait does not bring the others a second copy. */
static DmInjectResult inject_each(const Handover *h, const GPtrArray *pending, GError **error)
{
    DmInjectResult all = DM_INJECT_DONE;
    gboolean reachable = TRUE;

    for (guint i = 0; i < pending->len && reachable; i++) {
        g_autoptr(GError) problem = NULL;
        DmInjectResult result = inject_one(h, g_ptr_array_index(pending, i), &problem);

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
static GPtrArray *find_pending(const Handover *h, GError **error)
{
    g_autoptr(GPtrArray) pending = g_ptr_array_new();

    for (guint i = 0; i < h->recipients->len; i++) {
        char *recipient = g_ptr_array_index(h->recipients, i);
        gboolean injected;

        if (!dm_journal_get_injected(h->receiver->journal, h->receiver->tenant->name, h->entry->id, recipient,
                                     &injected, error))
            return NULL;
        if (!injected)
            g_ptr_array_add(pending, recipient);
    }
    return g_steal_pointer(&pending);
}

static DmInjectResult inject(const Handover *h, const GPtrArray *pending, GError **error)
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

/* The journal keeps "may be injected" only where that is so. */
static gboolean inject_recorded(const Handover *h, GError **error)
{
    g_autoptr(GPtrArray) pending = find_pending(h, error);

    if (!pending || !set_state(h->receiver, h->entry, DM_RECEIVED_INJECTING, error))
        return FALSE;
    switch (inject(h, pending, error)) {
    case DM_INJECT_DONE:
        return set_state(h->receiver, h->entry, DM_RECEIVED_INJECTED, error);
    case DM_INJECT_LATER:
    case DM_INJECT_DEFERRED:
    case DM_INJECT_REFUSED:
        if (!h->redelivered) {
            g_autoptr(GError) problem = NULL;

            if (!set_state(h->receiver, h->entry, DM_RECEIVED_FETCHED, &problem))
                dm_log(DM_LOG_ERROR, "journal-failed", DM_S("tenant", h->receiver->tenant->name),
                       DM_S("id", h->entry->id), DM_S("reason", problem->message));
        }
        break;
    case DM_INJECT_UNSURE:
        break;
    }
    return FALSE;
}

/* A message without a readable header is delivered as well: all of it becomes the body behind our fields. */
static DmHeaders *read_header(const DmReceiver *receiver, const DmEntry *entry, int fd, off_t *body, GError **error)
{
    g_autoptr(GError) problem = NULL;
    DmHeaders *headers = dm_receive_file_header(fd, body, &problem);

    if (headers)
        return headers;
    if (!g_error_matches(problem, DM_ERROR, DM_ERROR_PERMANENT)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    dm_log(DM_LOG_WARNING, "header-unreadable", DM_S("tenant", receiver->tenant->name), DM_S("id", entry->id),
           DM_S("reason", problem->message));
    *body = 0;
    return dm_headers_new();
}

/* For the log. */
static char *join(const GPtrArray *recipients)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < recipients->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", (const char *)g_ptr_array_index(recipients, i));
    return g_string_free(text, FALSE);
}

static gboolean hand_over(const DmReceiver *receiver, const DmEntry *entry, int fd, gboolean redelivered,
                          GError **error)
{
    const DmTenantConfig *tenant = receiver->tenant;
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(DmHeaders) headers = NULL;
    g_autoptr(GPtrArray) recipients = NULL;
    struct stat info;
    off_t body;

    if (fstat(fd, &info) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the fetched message: %s", g_strerror(errno));
        return FALSE;
    }
    headers = read_header(receiver, entry, fd, &body, error);
    recipients = headers ? dm_receive_recipients(receiver->gateway, tenant, entry, headers, error) : NULL;
    if (!recipients)
        return FALSE;
    dm_incoming_mark(headers, tenant->subject_prefix, redelivered);
    dm_headers_write(headers, head);
    g_string_append(head, "\r\n");

    const Handover handover = {.receiver = receiver,
                               .entry = entry,
                               .injection = {.url = receiver->gateway->config->poller.inject,
                                             .sender = tenant->bounce_address,
                                             .head = head,
                                             .fd = fd,
                                             .body = body,
                                             .size = info.st_size},
                               .recipients = recipients,
                               .redelivered = redelivered};
    g_autofree char *to = join(recipients);

    if (!inject_recorded(&handover, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "received", DM_S("tenant", tenant->name), DM_S("id", entry->id), DM_S("type", entry->type),
           DM_S("to", to), DM_N("size", info.st_size), DM_S("redelivered", redelivered ? "yes" : NULL));
    return TRUE;
}

static gboolean fetch(const DmReceiver *receiver, const DmEntry *entry, int fd, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->fetch(dm_channel_provider(receiver->channel), entry->id, fd, &problem))
        return TRUE;
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean acknowledge(const DmReceiver *receiver, const DmEntry *entry, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->ack(dm_channel_provider(receiver->channel), entry->id, &problem))
        return set_state(receiver, entry, DM_RECEIVED_ACKNOWLEDGED, error);
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean fetch_and_inject(const DmReceiver *receiver, const DmEntry *entry, gboolean redelivered, GError **error)
{
    g_autofree char *dir = dm_receive_dir(receiver->gateway->config->state_dir, error);
    int fd = dir ? dm_receive_file_new(dir, error) : -1;
    gboolean ok;

    if (fd < 0)
        return FALSE;
    ok = fetch(receiver, entry, fd, error) && (redelivered || set_state(receiver, entry, DM_RECEIVED_FETCHED, error)) &&
         hand_over(receiver, entry, fd, redelivered, error);
    close(fd);
    return ok;
}

gboolean dm_receive(const DmReceiver *receiver, const DmEntry *entry, GError **error)
{
    DmReceived received = {0};
    gboolean found;

    if (!dm_journal_get_received(receiver->journal, receiver->tenant->name, entry->id, &received, &found, error))
        return FALSE;

    gboolean injected = found && (received.state == DM_RECEIVED_INJECTED || received.state == DM_RECEIVED_ACKNOWLEDGED);
    gboolean redelivered = found && received.state == DM_RECEIVED_INJECTING;

    dm_received_clear(&received);
    return (injected || fetch_and_inject(receiver, entry, redelivered, error)) && acknowledge(receiver, entry, error);
}
